"""A run: one training in one folder, which alone rebuilds its model.

Files: `config.json` (what was asked for), `history.csv`, `steps.csv` (numbers learned by some networks' gates, one row
a step), `weights.safetensors`, `predictions.csv` (held-out clips),
`epochs/` (predictions and embeddings per epoch, when asked for), `summary.json` (scores, time, digest of the weights;
written last) and, while unfinished, `state.pt`. A run that begins with weights from elsewhere also has
`initial.safetensors` and, on what fitted, `initial.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from esclab.clips.durations import count_samples
from esclab.errors import RunError
from esclab.results import Predictions
from esclab.storage import digest_file
from esclab.training.recipe import Recipe

if TYPE_CHECKING:
    from esclab.features import Feature
    from esclab.models.base import SoundClassifier

FORMAT = 1
STEPS_FILE = "steps.csv"


@dataclass(frozen=True)
class RunConfig:
    """What decides a run, and what it was computed with.

    Attributes
    ----------
    model, dataset : str
        Name in `MODELS`, words that `load_dataset` takes.
    fold : int
        The test fold.
    validation_fold : int
        0, or a training fold that is held out in place of the test fold, which then stays unseen.
    seed : int
    recipe : Recipe
    class_names : tuple of str
    duration_s : float
        Length to which clips are padded or cut.
    protocol : str
        Who made the folds, and whether the test fold or a validation fold is scored.
    dataset_digest : str
        SHA-256 of the recordings.
    threads, device, precision
        With the same three, the same seed gives the same bits on a CPU.
    keep_epochs : bool
        Whether predictions and embeddings of every evaluated epoch are kept.
    versions : dict of str to str
    format : int
        Version of this folder's layout.
    initial_from, initial_weights : str
        File or run that the first weights come from, and SHA-256 of `initial.safetensors`, what of it fitted; "" where
        all weights are drawn by the seed.
    """

    model: str
    dataset: str
    fold: int
    validation_fold: int
    seed: int
    recipe: Recipe
    class_names: tuple[str, ...]
    duration_s: float
    protocol: str
    dataset_digest: str
    threads: int
    device: str
    precision: str
    keep_epochs: bool
    versions: dict[str, str]
    format: int = FORMAT
    initial_from: str = ""
    initial_weights: str = ""

    @property
    def held_out(self) -> int:
        """The fold whose clips are predicted."""
        return self.validation_fold or self.fold


@dataclass(frozen=True)
class Run:
    """A run folder and its config."""

    path: Path
    config: RunConfig

    @property
    def label(self) -> str:
        """A short name for legends, e.g. "ts-cnn10 fold 1 seed 0"."""
        return f"{self.config.model} fold {self.config.held_out} seed {self.config.seed}"

    @property
    def is_finished(self) -> bool:
        """Whether training came to its end."""
        return (self.path / "summary.json").exists()

    @property
    def summary(self) -> dict[str, Any]:
        """Scores, iterations, seconds and the digest of the weights of a finished run."""
        return _read_json(self._need("summary.json"))

    @property
    def hides_padding(self) -> bool:
        """Whether the network is given each clip's own frames alone; see `Recipe.variable_length`."""
        if not self.config.recipe.variable_length:
            return False
        from esclab.models import find_model
        from esclab.models.strategies.names import find_builder

        entry = find_model(self.config.model)
        return bool(getattr(find_builder(entry.module, entry.builder), "takes_lengths", False))

    def count_own_frames(self, length_s: float) -> int | None:
        """Return how many frames of a padded clip are its own; None where the network hears all of them.

        Parameters
        ----------
        length_s : float
            Of the clip before it is padded or cut, in s.
        """
        if length_s >= self.config.duration_s or not self.hides_padding:
            return None
        feature = self.build_feature()
        return feature.frames(count_samples(length_s, feature.config.sample_rate, most_s=self.config.duration_s))

    def read_history(self) -> pd.DataFrame:
        """Return the history, one row an epoch."""
        return _read_table(self._need("history.csv"), ["epoch", "iteration"])

    def read_steps(self) -> pd.DataFrame:
        """Return the gates' numbers after every step, e.g. `iteration`, `fusion_lambda`.

        Raises
        ------
        RunError
            When the network is none that keeps them.
        """
        path = self.path / STEPS_FILE
        if not path.exists():
            raise RunError(path, f"is missing: {self.config.model} keeps no such numbers", "give another model's run")
        return _read_table(path, ["iteration"])

    def read_predictions(self) -> Predictions:
        """Return the predictions of the held-out clips after the last epoch."""
        columns = [f"p_{number}" for number in range(len(self.config.class_names))]
        table = _read_table(
            self._need("predictions.csv"),
            ["clip", "source", "fold", "class_index", *columns],
            dtype={"clip": str, "source": str},
            keep_default_na=False,  # a clip may be called "NA"
        )
        return Predictions(
            clips=table["clip"].to_numpy(dtype=str),
            sources=table["source"].to_numpy(dtype=str),
            folds=table["fold"].to_numpy(),
            true=table["class_index"].to_numpy(),
            probabilities=table[columns].to_numpy(),
            class_names=self.config.class_names,
            model=self.config.model,
            seed=self.config.seed,
        )

    def build_feature(self) -> Feature:
        """Return the front end that the run was trained on."""
        from esclab.features import build_feature

        return build_feature(**self.config.recipe.feature)

    def build_model(self) -> SoundClassifier:
        """Return the network with fresh weights."""
        from esclab.models import build_model

        return build_model(
            self.config.model,
            classes=len(self.config.class_names),
            bands=len(self.build_feature().frequency_hz),
            **self.config.recipe.model,
        )

    def load_model(self) -> SoundClassifier:
        """Return the trained network, in evaluation mode and channels-last, the layout that computes fastest.

        Raises
        ------
        RunError
            When the run is unfinished, or its weights are not the ones that were saved.
        """
        path = self._need("weights.safetensors")
        if digest_file(path) != self.summary.get("weights_sha256"):
            raise RunError(path, "holds other bytes than were saved", "train the run again or restore the file")
        import torch  # takes seconds, so that bad files are told before
        from safetensors import SafetensorError
        from safetensors.torch import load

        with torch.random.fork_rng():  # the fresh weights are not kept, so drawing them should leave no trace
            model = self.build_model()
        try:
            weights, wanted = load(path.read_bytes()), model.state_dict()
        except SafetensorError as error:
            raise RunError(path, f"is no safetensors file ({error})", "train the run again") from error
        wrong = sorted(
            {k for k in wanted.keys() & weights.keys() if wanted[k].shape != weights[k].shape}
            | (wanted.keys() ^ weights.keys())
        )
        if wrong:
            raise RunError(path, f"does not fit {self.config.model} in {', '.join(wrong[:5])}", "train the run again")
        infinite = [name for name, value in weights.items() if not value.isfinite().all()]
        if infinite:
            raise RunError(path, f"is not finite in {', '.join(infinite[:5])}", "train the run again")
        model.load_state_dict(weights)
        return model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _need(self, name: str) -> Path:
        path = self.path / name
        if not path.exists():
            raise RunError(path, "is missing", f"finish the run with: esclab resume {self.path}")
        return path


def open_run(folder: str | Path) -> Run:
    """Return the run in a folder.

    Raises
    ------
    RunError
        When the folder holds no run, or one of another version.
    """
    path = Path(folder)
    config_path = path / "config.json"
    if not config_path.exists():
        raise RunError(path, "holds no run (config.json is missing)", "give the folder that esclab train printed")
    values = _read_json(config_path)
    if values.get("format") != FORMAT:
        raise RunError(
            config_path,
            f"was written in format {values.get('format')}, this esclab reads format {FORMAT}",
            f"use esclab {values.get('versions', {}).get('esclab', 'of that time')} or train it again",
        )
    try:
        values["recipe"] = Recipe.from_dict(values["recipe"])
        values["class_names"] = tuple(values["class_names"])
        return Run(path, RunConfig(**values))
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(config_path, f"is incomplete ({error})", "train the run again") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise RunError(path, f"is not readable as JSON ({error})", "restore the file or train the run again") from error
    if not isinstance(values, dict):
        raise RunError(path, "holds no JSON object", "restore the file or train the run again")
    return values


def _read_table(path: Path, columns: list[str], **options: Any) -> pd.DataFrame:
    """Read a CSV that has at least these columns; `options` are those of pandas."""
    try:
        table = pd.read_csv(path, **options)
    except ValueError as error:  # pandas' parser errors are ValueErrors
        raise RunError(path, f"is not readable ({error})", "restore the file or train the run again") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise RunError(path, f"lacks {', '.join(missing[:5])}", "restore the file or train the run again")
    return table
