from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

WriteTone = Callable[..., Path]
SCENES = ("airport", "bus", "park")


@pytest.fixture
def write_tone() -> WriteTone:
    """Return a function that writes a sine: `write_tone(path, 440.0, duration_s=0.5, sample_rate=8000)`."""

    def write(
        path: Path, frequency_hz: float = 440.0, *, duration_s: float = 0.25, sample_rate: int = 8000, **options: str
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * frequency_hz * time_s), sample_rate, **options)
        return path

    return write


@pytest.fixture
def no_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let nothing but the returned folder be searched for datasets or written to."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("ESCLAB_HOME", str(home))
    monkeypatch.delenv("ESCLAB_DATA", raising=False)
    return home


@pytest.fixture
def make_esc(write_tone: WriteTone) -> Callable[[Path], Path]:
    """Return a function that writes a dataset in ESC-50's layout: 3 classes, two of them ESC-10's, in 5 folds."""

    def make(folder: Path) -> Path:
        lines = ["filename,fold,target,category,esc10,src_file,take"]
        for fold in range(1, 6):
            for target, name, esc10 in ((0, "dog", True), (5, "cat", False), (1, "rooster", True)):
                file = f"{fold}-{100 * fold + target}-A-{target}.wav"
                write_tone(folder / "audio" / file, 200.0 * fold + 10 * target)
                lines.append(f"{file},{fold},{target},{name},{esc10},{100 * fold + target},A")
        (folder / "meta").mkdir()
        (folder / "meta" / "esc50.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make


@pytest.fixture
def make_urbansound8k(write_tone: WriteTone) -> Callable[[Path], Path]:
    """Return a function that writes a dataset in UrbanSound8K's layout: 2 classes in 10 folds."""

    def make(folder: Path) -> Path:
        lines = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
        for fold in range(1, 11):
            for number, name in ((3, "dog_bark"), (1, "car_horn")):
                file = f"{1000 * fold + number}-{number}-0-0.wav"
                write_tone(folder / "audio" / f"fold{fold}" / file, 100.0 * fold + number)
                lines.append(f"{file},{1000 * fold + number},0.0,0.25,1,{fold},{number},{name}")
        (folder / "metadata").mkdir()
        (folder / "metadata" / "UrbanSound8K.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make


@pytest.fixture
def make_fsdd(write_tone: WriteTone) -> Callable[[Path], Path]:
    """Return a function that writes a dataset in FSDD's official layout: 10 digits, 2 speakers, takes 4 and 5."""

    def make(folder: Path) -> Path:
        for number in range(40):
            digit, speaker, take = number % 10, ("george", "lucas")[number // 20], 4 + number // 10 % 2
            write_tone(folder / "recordings" / f"{digit}_{speaker}_{take}.wav", 300.0 + 20 * number)
        return folder

    return make


@pytest.fixture
def make_speech_commands(write_tone: WriteTone) -> Callable[[Path], Path]:
    """Return a function that writes Speech Commands' layout: 2 words by 4 speakers, d4 tests and c3 validates.

    "yes" takes half a second, "no" a whole one.
    """

    def make(folder: Path) -> Path:
        speakers = ("a1", "b2", "c3", "d4")
        for number, speaker in enumerate(speakers):
            for word, duration_s in (("yes", 0.5), ("no", 1.0)):
                file = folder / word / f"{speaker}_nohash_0.wav"
                write_tone(file, 300.0 + 50 * number, duration_s=duration_s, sample_rate=16_000)
        write_tone(folder / "_background_noise_" / "white.wav", duration_s=2.0)
        for name, speaker in (("testing_list.txt", "d4"), ("validation_list.txt", "c3")):
            (folder / name).write_text(f"yes/{speaker}_nohash_0.wav\nno/{speaker}_nohash_0.wav\n")
        return folder

    return make


@pytest.fixture
def make_dcase(write_tone: WriteTone) -> Callable[..., Path]:
    """Return a function that writes a dataset in DCASE's layout.

    Three scenes; of each, locations that train (two), test (one) or are in neither part (one), with one clip a device;
    device s4 does not train. `labels` renames the scenes; `header=False` writes the parts as 2018 did.
    """

    def make(
        folder: Path, *, devices: tuple[str, ...] = ("a",), labels: tuple[str, ...] = SCENES, header: bool = True
    ) -> Path:
        meta = ["filename\tscene_label\tidentifier\tsource_label"]
        parts: dict[str, list[str]] = {"train": [], "evaluate": []}
        places = [(scene, part) for part in ("train", "evaluate", "train", "") for scene in range(3)]
        for place, (scene, part) in enumerate(places):
            for device in devices:
                name = f"audio/{SCENES[scene]}-lyon-{place}-{40 * place}-{device}.wav"
                write_tone(folder / name, 200.0 + 10 * len(meta))
                meta.append(f"{name}\t{labels[scene]}\tlyon-{place}\t{device}")
                if part and (device, part) != ("s4", "train"):
                    parts[part].append(f"{name}\t{labels[scene]}")
        (folder / "meta.csv").write_text("\n".join(meta) + "\n")
        (folder / "evaluation_setup").mkdir()
        names = [line.split("\t")[0] for line in parts["evaluate"]]
        for part, lines, title in (
            ("train", parts["train"], "filename\tscene_label"),
            ("evaluate", parts["evaluate"], "filename\tscene_label"),
            ("test", names, "filename"),
        ):
            path = folder / "evaluation_setup" / f"fold1_{part}.{'csv' if header else 'txt'}"
            path.write_text("\n".join([title, *lines] if header else lines) + "\n")
        return folder

    return make


@pytest.fixture
def make_folder(write_tone: WriteTone) -> Callable[[Path], Path]:
    """Return a function that writes one folder a class: 5 recordings of each of 2 classes."""

    def make(folder: Path) -> Path:
        for number in range(5):
            write_tone(folder / "owl" / f"{number}.wav", 300.0 + number)
            write_tone(folder / "gull" / "far" / f"{number}.flac", 600.0 + number, sample_rate=16000, duration_s=0.5)
        return folder

    return make
