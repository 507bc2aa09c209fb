"""Front ends: modules from a waveform to `(clip, 1, frame, band)` that know their axes in s and Hz.

To add one, write its file (a frozen config and a `FrontEnd`, such as `LogMel`) and name it in `FEATURES`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from esclab.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Feature(Protocol):
    """What every front end offers beside being a `torch.nn.Module`.

    Attributes
    ----------
    name : str
        A key of `FEATURES`.
    unit : str
        Of the values, e.g. "dB".
    axis : {"frequency", "coefficient", "row"}
        What the bands are: frequencies in Hz, numbered coefficients, or numbered rows of several front ends.
    precision : {"float16", "float32"}
        In which the store keeps the values.
    config : dataclass
        Settings: strings, numbers and tuples of them, so that they survive JSON.
    """

    name: str
    unit: str
    axis: str
    precision: Literal["float16", "float32"]
    config: Any

    def __call__(self, waveform: Tensor) -> Tensor:
        """Transform waveforms (clip, sample) into (clip, 1, frame, band)."""
        ...

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each frame, in s."""
        ...

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        ...

    @property
    def frequency_hz(self) -> np.ndarray:
        """Place of each band, rising: its centre in Hz where `axis` is "frequency", otherwise its number."""
        ...


@dataclass(frozen=True)
class FeatureEntry:
    """Where a front end and its settings live, loaded when first used."""

    summary: str
    module: str
    builder: str
    config: str


FEATURES: dict[str, FeatureEntry] = {
    "logmel": FeatureEntry("log-mel spectrogram, 40 bands", "esclab.features.logmel", "LogMel", "LogMelConfig"),
    "mel": FeatureEntry("mel spectrogram without logarithm, 40 bands", "esclab.features.mel", "Mel", "MelConfig"),
    "cqt": FeatureEntry("constant-Q transform, 64 bands", "esclab.features.cqt", "Cqt", "CqtConfig"),
    "gammatone": FeatureEntry(
        "gammatone spectrogram, 64 bands", "esclab.features.gammatone", "Gammatone", "GammatoneConfig"
    ),
    "mfcc": FeatureEntry("mel-frequency cepstrum, 40 coefficients", "esclab.features.mfcc", "Mfcc", "MfccConfig"),
    "fbank": FeatureEntry("Kaldi filter bank, 80 bands", "esclab.features.fbank", "Fbank", "FbankConfig"),
    "spectrogram": FeatureEntry(
        "spectrogram, evenly spaced bands", "esclab.features.spectrogram", "Spectrogram", "SpectrogramConfig"
    ),
    "stack": FeatureEntry("log-mel, CQT, gammatone and MFCC", "esclab.features.stack", "Stack", "StackConfig"),
}


def build_feature(name: str = "logmel", **settings: Any) -> Feature:
    """Build a front end by name.

    Parameters
    ----------
    name : str
        A key of `FEATURES`.
    **settings
        Fields of its config, e.g. ``bands=64``.

    Raises
    ------
    OptionError
        When the name or a setting is unknown, or a setting is out of range.
    """
    config = load_config(name)
    known = [field.name for field in fields(config)]
    for setting in settings:
        if setting not in known:
            raise OptionError(f"feature {name}", f"has no setting {setting}", f"choose one of {', '.join(known)}")
    entry = FEATURES[name]
    return getattr(import_module(entry.module), entry.builder)(config(**settings))


def load_config(name: str) -> Any:
    """Return the dataclass of a front end's settings.

    Raises
    ------
    OptionError
        When the name is unknown.
    """
    if name not in FEATURES:
        raise OptionError(f"feature {name}", "is not known", f"choose one of {', '.join(FEATURES)}")
    entry = FEATURES[name]
    return getattr(import_module(entry.module), entry.config)


def in_hertz(feature: Feature) -> Feature:
    """Return a front end whose bands have places in Hz: the given one, or the log-mel at its sample rate."""
    return feature if feature.axis == "frequency" else build_feature("logmel", sample_rate=feature.config.sample_rate)


def describe_feature(feature: Feature) -> dict[str, Any]:
    """Return name and settings of a front end: `build_feature(**...)` makes it again."""
    settings = asdict(feature.config)
    if not settings.get("level_db", 0.0):
        settings.pop("level_db", None)  # so that features stored before there was a level are still found
    return {"name": feature.name, **settings}


def suit_rate(name: str, sample_rate: int) -> dict[str, Any]:
    """Return settings with which a front end suits clips of another rate than its own default.

    Windows and hops that are given in samples keep their length in s, and no band lies above half the rate.

    Parameters
    ----------
    name : str
        A key of `FEATURES`.
    sample_rate : int
        In Hz.

    Returns
    -------
    settings : dict
        For `build_feature`: the rate and what differs from the defaults.

    Raises
    ------
    OptionError
        When the name is unknown.
    """
    config = load_config(name)()
    settings: dict[str, Any] = {"sample_rate": sample_rate}
    for setting in ("window_samples", "hop_samples"):
        if hasattr(config, setting) and sample_rate != config.sample_rate:
            # Even, so that frames stay those of other front ends.
            settings[setting] = max(2, 2 * round(getattr(config, setting) * sample_rate / config.sample_rate / 2))
    if name in ("cqt", "stack"):
        from esclab.features.cqt import CqtConfig, count_bands

        bands = min(config.bands, count_bands(CqtConfig(sample_rate=sample_rate)))
        settings |= {"bands": bands} if bands < config.bands else {}
    return settings
