"""One change of a clip, and the code that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from esclab.results import WHOLE_CLIP, Region

Mode = Literal["noise", "erase", "attenuate"]
MODES: tuple[Mode, ...] = ("noise", "erase", "attenuate")


@dataclass(frozen=True)
class Edit:
    """One change of a clip.

    Attributes
    ----------
    region : Region or None
        Where; None leaves the clip as it is.
    mode : {"noise", "erase", "attenuate"}
    kind : str
        As `esclab.noise.inject_noise` takes it.
    snr_db : float
    reference : {"clip", "region"}
        What the SNR refers to.
    gain_db : float
        Of "attenuate".
    seed : int
    """

    region: Region | None = None
    mode: Mode = "noise"
    kind: str = "gaussian"
    snr_db: float = 10.0
    reference: str = "clip"
    gain_db: float = -20.0
    seed: int = 0

    def __str__(self) -> str:
        """Return the edit in words."""
        if self.region is None:
            return "clean"
        how = {
            "noise": f"{self.kind} {self.snr_db:g} dB",
            "erase": "erased",
            "attenuate": f"attenuated {self.gain_db:g} dB",
        }[self.mode]
        return f"{how}, {self.region}"


def write_edit(edit: Edit, sample_rate: int) -> str:
    """Return the line that makes `changed` from `clean`."""
    region = _write_region(edit.region or WHOLE_CLIP)
    if edit.region is None:
        return "changed = clean"
    if edit.mode == "noise":
        return (
            f"changed = inject_noise(clean, {sample_rate}, kind={edit.kind!r}, snr_db={edit.snr_db!r}, "
            f"region={region}, reference={edit.reference!r}, seed={edit.seed})"
        )
    gain = "" if edit.mode == "erase" else f", gain_db={edit.gain_db!r}"
    return f"changed = attenuate_region(clean, {sample_rate}, {region}{gain})"


def _write_region(region: Region) -> str:
    parts = [f"{name}={value!r}" for name, value in vars(region).items() if value != vars(WHOLE_CLIP)[name]]
    return f"Region({', '.join(parts)})"


def tidy_number(value: Any) -> Any:
    """Return a slider's number without the traces of binary fractions; other values as they are."""
    return round(value, 3) if isinstance(value, float) else value
