"""One kind of noise by the words a person has for it."""

from __future__ import annotations

import difflib
from pathlib import Path

from esclab.clips import find_entry, load_dataset
from esclab.clips.audio import clip_part
from esclab.clips.pick import find_row
from esclab.errors import OptionError
from esclab.noise.entry import NoiseEntry
from esclab.noise.kinds import NOISES
from esclab.noise.recordings import RecordedNoise, Recording, find_tau

SCENES = {"tau-bus": "bus", "tau-tram": "tram"}


def find_noise(kind: str | NoiseEntry) -> NoiseEntry:
    """Return a kind of noise.

    Parameters
    ----------
    kind : str or NoiseEntry
        A name in `NOISES`; "tau-bus" or "tau-tram" (the recordings of that scene in a TAU Urban Acoustic Scenes
        dataset on this machine, of which the seed chooses one); the path of an audio file; or a clip of a dataset,
        such as "esc10/1-100032-A-0". An entry comes back as it is: find it once where many clips get its noise.

    Returns
    -------
    NoiseEntry
        A recording's noise is a piece from a seeded place; a short recording is looped with a cross-fade.

    Raises
    ------
    OptionError
        When the kind, or the dataset's clip, is unknown.
    DatasetError
        When the recordings of a scene, or the dataset, are not on this machine.
    """
    if isinstance(kind, NoiseEntry):
        return kind
    if kind in NOISES:
        return NOISES[kind]
    if kind in SCENES:
        recordings = find_tau(SCENES[kind])
        return _as_entry(f"{SCENES[kind]} (TAU recordings)", f"{len(recordings)} recordings", recordings)
    if Path(kind).is_file():
        return _as_entry(Path(kind).name, f"the recording {kind}", (Recording(kind),))
    dataset, _, clip = kind.partition("/")
    if clip and find_entry(dataset) is not None:
        return _find_clip(dataset, clip)
    known = [*NOISES, *SCENES]
    near = difflib.get_close_matches(kind.lower(), known, n=2)
    guess = f"did you mean {' or '.join(near)}? Or choose" if near else "choose"
    raise OptionError(
        f"noise {kind!r}",
        "is no known kind, no audio file and no clip of a dataset",
        f"{guess} one of {', '.join(known)}, a path, or DATASET/CLIP",
    )


def _find_clip(dataset: str, clip: str) -> NoiseEntry:
    clips = load_dataset(dataset)
    names, bare = set(clips.table["clip"]), str(Path(clip).with_suffix(""))
    name = bare if clip not in names and bare in names else clip  # "1-100032-A-0.ogg" is the clip 1-100032-A-0
    path, onset_s, offset_s = clip_part(clips, find_row(clips, name))
    return _as_entry(f"{dataset}/{name}", f"the clip {name} of {dataset}", (Recording(path, onset_s, offset_s),))


def _as_entry(label: str, summary: str, recordings: tuple[Recording, ...]) -> NoiseEntry:
    return NoiseEntry(label, summary, RecordedNoise(recordings), synthetic=False)
