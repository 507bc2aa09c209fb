"""What the embedding explorer does, without a browser: points of one or two models, a clip, a selection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from esclab.analysis.epochs import EMBEDDING
from esclab.analysis.projection import check_method
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.results import EmbeddingResult, Predictions, TimeFrequencyMap
from esclab.storage import write_text
from esclab.training.labels import label_runs
from esclab.training.run import Run
from esclab.widgets.attribution_work import name_run
from esclab.widgets.embedding_own import OwnPlace, place_own
from esclab.widgets.embedding_store import (
    SPREADS,
    choose_epochs,
    keep_projection,
    locate_projection,
    read_projection,
)
from esclab.widgets.source import ClipInfo, ClipSource
from esclab.widgets.working import Report, WorkingController

METHOD_TITLES = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}
COLOUR_BY = ("class_name", "fold", "correct", "model", "agreement")


class EmbeddingController(WorkingController):
    """The state of the embedding explorer.

    Points are fitted by `compute` alone, in a thread, and kept on disk; what is kept there is shown at once.

    Parameters
    ----------
    runs : sequence of Run
        Finished ones.
    dataset : ClipDataset or None
        Where clips are heard and seen; None where the recordings are missing.

    Attributes
    ----------
    sides : list of int or None
        Places in `runs` of the left and the right model; None for no right one.
    method, layer, spread : str
        Of the projection; `spread` is which epochs, see `choose_epochs`.
    seed : int
    epoch : int
        The one shown; a side without it shows the one before.
    colour_by : str
        One of `COLOUR_BY`.
    clip : str
        The one that is heard and seen, "" for none.
    selected : tuple of str
        Clips in the table.
    picture : TimeFrequencyMap or None
    samples : ndarray or None
    """

    def __init__(self, runs: Sequence[Run], dataset: ClipDataset | None) -> None:
        super().__init__()
        if not runs:
            raise OptionError("runs", "are none", "give one run at least, e.g. ts-cnn10-synth10")
        self.runs = list(runs)
        self.source = None if dataset is None else ClipSource(dataset)
        self.sides: list[int | None] = [0, 1 if len(self.runs) > 1 else None]
        self.method, self.layer, self.spread, self.seed = "tsne", EMBEDDING, "some", 0
        self.epoch, self.colour_by = 0, "class_name"
        self.clip, self.selected = "", ()  # type: str, tuple[str, ...]
        self.picture: TimeFrequencyMap | None = None
        self.samples: np.ndarray | None = None
        self._own: dict[tuple[str, Path], OwnPlace | None] = {}
        self._results: dict[Path, EmbeddingResult] = {}
        self._answers: dict[int, Predictions] = {}
        self._known: list[EmbeddingResult | None] = [None, None]
        self._gather()
        if self.source is not None:
            self.source.subscribe(self._take_sounds)

    @property
    def labels(self) -> list[str]:
        """Names of the runs: the model's, told apart by fold and seed where two are of one kind."""
        return label_runs(self.runs)

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that every shown model has."""
        models = [self.runs[run].build_model() for run in self._shown()]
        first, *others = [tuple(model.cam_layers) for model in models]
        return (EMBEDDING, *(layer for layer in first if all(layer in other for other in others)))

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs that at least one side has, rising; none before the projection is there."""
        return tuple(sorted({int(epoch) for result in self._known if result for epoch in result.table["epoch"]}))

    @property
    def needs_compute(self) -> bool:
        """Whether a side waits for `compute`."""
        return not self.busy and any(
            run is not None and result is None for run, result in zip(self.sides, self._known, strict=True)
        )

    def result(self, side: int) -> EmbeddingResult | None:
        """Return the points of the left (0) or right (1) model, where they are there."""
        return self._known[side]

    def points(self, side: int) -> pd.DataFrame | None:
        """Return one row a clip at the present epoch, or at the last one before it that this side has."""
        result = self._known[side]
        if result is None:
            return None
        epochs = sorted(set(result.table["epoch"].tolist()))
        epoch = max((one for one in epochs if one <= self.epoch), default=epochs[0])
        return result.table[result.table["epoch"] == epoch].reset_index(drop=True)

    def choose(
        self,
        *,
        left: int | None = None,
        right: int | None = -1,
        method: str | None = None,
        layer: str | None = None,
        spread: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Change what is projected; what was fitted before is shown at once.

        Parameters
        ----------
        left : int, optional
            Place in `runs`.
        right : int or None
            Place in `runs`; None for no right model.
        method, layer, spread, seed
            See `embed_run` and `choose_epochs`.

        Raises
        ------
        OptionError
            When the method or layer is unknown; all stays as it was then.
        RunError
            When a run cannot be read.
        """
        before = (list(self.sides), self.method, self.layer, self.spread, self.seed)
        check_method(self.method if method is None else method)
        if spread not in (None, *SPREADS):
            raise OptionError(f"epochs {spread!r}", "are no choice", f"choose one of {', '.join(SPREADS)}")
        self.sides = [self.sides[0] if left is None else left, self.sides[1] if right == -1 else right]
        self.method, self.layer = method or self.method, layer or self.layer
        self.spread, self.seed = spread or self.spread, self.seed if seed is None else seed
        try:
            if self.layer not in self.layers:
                if layer is not None:
                    raise OptionError(f"layer {layer!r}", "is none of the models'", f"choose {', '.join(self.layers)}")
                self.layer = EMBEDDING
            self._gather()
        except Exception:
            self.sides, self.method, self.layer, self.spread, self.seed = before
            self._gather()
            raise
        self.message = ""
        self.stop()

    def compute(self) -> None:
        """Fit the points that are missing, and keep them on disk."""
        from esclab.analysis.embedding import embed_run

        wanted = [(run, self._locate(run)) for run in dict.fromkeys(self._shown())]
        missing = [(run, path) for run, path in wanted if path not in self._results]
        settings: dict[str, Any] = {"method": self.method, "layer": self.layer, "seed": self.seed}
        epochs = {run: self._epochs(run) for run, _ in missing}
        dataset = None if self.source is None else self.source.dataset
        self.message = ""

        def work(report: Report) -> Any:
            found: dict[Path, EmbeddingResult] = {}
            before, count = 0, sum(len(numbers) for numbers in epochs.values())
            for run, path in missing:
                report(before, count)

                def tell(done: int, _: int, start: int = before) -> None:
                    report(start + done, count)

                numbers, own = epochs[run], dataset if dataset is not None and self._fits(run, dataset) else None
                found[path] = embed_run(self.runs[run], epochs=numbers, dataset=own, progress=tell, **settings)
                keep_projection(path, found[path])
                before += len(numbers)
            return lambda: self._take(found)

        self.start(f"Projecting by {METHOD_TITLES[self.method]}", work)

    def go_to(self, epoch: int) -> None:
        """Show another epoch; nothing is fitted."""
        if epoch not in self.epochs:
            raise OptionError(f"epoch {epoch}", "is not among the points", f"choose one of {self.epochs}")
        self.epoch, self.message = epoch, ""
        self.notify()

    def colour(self, by: str) -> None:
        """Choose what colour and marker stand for, one of `COLOUR_BY`."""
        if by not in COLOUR_BY:
            raise OptionError(f"colour by {by!r}", "is no choice", f"choose one of {', '.join(COLOUR_BY)}")
        self.colour_by, self.message = by, ""
        self.notify()

    def show_clip(self, clip: str) -> None:
        """Make a clip the one that is heard and seen.

        Raises
        ------
        ClipError
            When the recording cannot be read; its point is marked all the same.
        OptionError
            When there is no such clip, or the dataset is missing.
        """
        from esclab.analysis.attention import transform_clip

        if self.source is None:
            raise OptionError("clip", "cannot be heard without its dataset", "get the dataset, then start again")
        self.clip, self.picture, self.samples, self.message = clip, None, None, ""
        info, run = self.source.describe(clip), self.runs[self._shown()[0]]
        feature = run.build_feature()
        rate, duration_s = feature.config.sample_rate, run.config.duration_s
        samples = self.source.read(clip, sample_rate=rate, duration_s=duration_s)
        self.picture, self.samples = transform_clip(samples, feature, label=info.label), samples
        self.notify()
        self._place_own()

    def own_place(self, side: int) -> OwnPlace | None:
        """Return where a sound of one's own lies among the points of a side, once that is known."""
        run = self.sides[side]
        return None if run is None else self._own.get((self.clip, self._locate(run)))

    @property
    def sample_rate(self) -> int:
        """Of `samples`, in Hz."""
        return int(self.runs[self._shown()[0]].build_feature().config.sample_rate)

    @property
    def info(self) -> ClipInfo | None:
        """What is known of the clip that is seen."""
        return None if self.source is None or not self.clip else self.source.describe(self.clip)

    def select(self, clips: Sequence[str]) -> None:
        """Make these clips the selection, in both models; those that neither has are left out."""
        known = set(self.list_clips())
        self.selected = tuple(clip for clip in dict.fromkeys(map(str, clips)) if clip in known)
        self.message = ""
        self.notify()

    def list_clips(self, *, class_name: str = "", words: str = "", wrong: bool = False) -> list[str]:
        """Return the held-out clips by class and letters, or those that a shown model has wrong."""
        table = self.answers()
        rows = np.ones(len(table), dtype=bool)
        if class_name:
            rows &= (table["class_name"] == class_name).to_numpy()
        if wrong:
            columns = [column for column in table.columns if column.startswith("correct")]
            rows &= ~table[columns].fillna(True).astype(bool).all(axis=1).to_numpy()
        sought = words.casefold().strip()
        names = zip(table["clip"][rows], table["class_name"][rows], strict=True)
        return [clip for clip, name in names if sought in f"{clip} {name}".casefold()]

    def answers(self) -> pd.DataFrame:
        """Return one row a held-out clip of the shown models: class, fold, and each one's last answer.

        Returns
        -------
        table : DataFrame
            `clip`, `class_name`, `fold`, `source`, then `predicted` and `correct` of each model, with its name.
        """
        parts = []
        for run in dict.fromkeys(self._shown()):
            if run not in self._answers:
                self._answers[run] = self.runs[run].read_predictions()
            answer, label = self._answers[run], self.labels[run]
            names = np.asarray(answer.class_names, dtype=object)
            columns = {"clip": answer.clips, "class_name": names[answer.true], "fold": answer.folds}
            columns |= {"source": answer.sources, f"predicted, {label}": names[answer.predicted]}
            parts.append(pd.DataFrame(columns | {f"correct, {label}": answer.correct}))
        table = parts[0]
        for part in parts[1:]:
            table = table.merge(part, on=["clip", "class_name", "fold", "source"], how="outer", sort=False)
        return table

    def selection(self) -> pd.DataFrame:
        """Return the rows of `answers` that are selected."""
        table = self.answers()
        return table[table["clip"].isin(self.selected)].reset_index(drop=True)

    def write_selection(self, folder: str | Path) -> Path:
        """Write the table of selected clips as CSV.

        Raises
        ------
        OptionError
            When nothing is selected.
        StorageError
            When the file cannot be written.
        """
        table = self.selection()
        if table.empty:
            raise OptionError("selection", "is empty", "draw around some points, or add clips from the list")
        return write_text(Path(folder) / "selection.csv", table.to_csv(index=False, lineterminator="\n"))

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return the points of each side."""
        names = ("embedding", "embedding_right")
        return {name: ("embedding", result) for name, result in zip(names, self._known, strict=True) if result}

    def code(self) -> str:
        """Return the lines that make the same points."""
        lines = [
            "from esclab.analysis.embedding import embed_run",
            "from esclab.figures import export",
            "from esclab.training import find_run",
            "",
            "results = []",
        ]
        for number, run in enumerate(self._shown()):
            name = ("embedding", "embedding_right")[number]
            lines += [
                f"run = find_run({name_run(self.runs[run])!r})",
                f"results.append(embed_run(run, method={self.method!r}, epochs={self._epochs(run)!r}, "
                f"layer={self.layer!r}, seed={self.seed}))",
                f'export("embedding", results[-1], "out/embedding/{name}")',
            ]
        return "\n".join(lines)

    def _place_own(self) -> None:
        """Ask the networks about a sound that is in no dataset, and place it; in the worker's thread."""
        if self.source is None or self.samples is None or self.clip not in self.source.list_own():
            return
        clip, wanted = self.clip, []
        for run, result in zip(self.sides, self._known, strict=True):
            if run is not None and result is not None and (clip, self._locate(run)) not in self._own:
                own = self.source.dataset if self._fits(run, self.source.dataset) else None
                wanted.append((self.runs[run], result, own, self._locate(run)))
        if not wanted or self.busy:
            return
        samples, source = self.samples, self.source

        def work(report: Report) -> Any:
            from esclab.analysis.attention import transform_clip

            found = {}
            for run, result, own, path in wanted:
                values = transform_clip(samples, run.build_feature()).values[: source.count_frames(clip, run)]
                found[clip, path] = place_own(run, clip, values, result=result, dataset=own)
            return lambda: self._own.update(found)

        self.start("Placing your own sound", work)

    def _take_sounds(self) -> None:
        """Sounds of one's own came or went; a new one may have the name of one that went."""
        with self.lock:
            self._own = {}
            if self.source is not None and self.clip and self.clip not in self.source.select():
                self.clip, self.picture, self.samples = "", None, None
            self.notify()

    def _shown(self) -> list[int]:
        return [run for run in self.sides if run is not None]

    def _epochs(self, run: int) -> tuple[int, ...]:
        return choose_epochs(self.runs[run], self.spread if self.layer == EMBEDDING else "last")

    def _locate(self, run: int) -> Path:
        settings: dict[str, Any] = {"method": self.method, "layer": self.layer, "seed": self.seed}
        return locate_projection(self.runs[run], epochs=self._epochs(run), **settings)

    def _fits(self, run: int, dataset: ClipDataset) -> bool:
        return self.runs[run].config.dataset == dataset.name

    def _take(self, found: dict[Path, EmbeddingResult]) -> None:
        self._results |= found
        self._gather()
        self.busy = ""
        self._place_own()

    def _gather(self) -> None:
        """Take what was fitted before, here or on disk."""
        known: list[EmbeddingResult | None] = []
        for run in self.sides:
            path = None if run is None else self._locate(run)
            if path is not None and path not in self._results:
                kept = read_projection(path)
                self._results |= {} if kept is None else {path: kept}
            known.append(None if path is None else self._results.get(path))
        self._known = known
        if self.epochs and self.epoch not in self.epochs:
            self.epoch = self.epochs[-1]
