"""Speech Commands V2: one-second recordings of 35 words, by thousands of speakers.

The table is built from the official lists and the files' names alone: no audio is touched, torch need not load, and the
clips are read like those of any other dataset. The folds are the subsets of torchaudio's SPEECHCOMMANDS.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from esclab.clips.dataset import ClipDataset
from esclab.clips.download import Archive, install_archive
from esclab.clips.entry import DatasetEntry
from esclab.clips.home import find_dataset, is_there
from esclab.clips.table import build_table, refuse, refuse_option
from esclab.errors import DatasetError

NAME = "speech-commands"
TEST_LIST, VALIDATION_LIST = "testing_list.txt", "validation_list.txt"
TEST_FOLD, VALIDATION_FOLD, TRAINING_FOLD = 1, 2, 3
# The second is where torchaudio's SPEECHCOMMANDS unpacks it.
FOLDERS = ("speech_commands_v0.02", "SpeechCommands/speech_commands_v0.02", "SpeechCommands")
MARKERS = (TEST_LIST,)
HIDDEN = ("_", ".")  # _background_noise_ holds six long recordings that are no words
LICENCE = "CC BY 4.0"
CITATION = "P. Warden. Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. arXiv:1804.03209, 2018."
ARCHIVE = Archive(
    address="https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    file_name="speech_commands_v0.02.tar.gz",
    folder="speech_commands_v0.02",
    markers=MARKERS,
    recordings=105_835,
    known_hash="sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
)


def load_speech_commands(option: str) -> ClipDataset:
    """Load Speech Commands V2 in its official layout: one folder a word, and two lists.

    Fold 1 is the official testing list and the only fold that tests; fold 2 is the validation list, fold 3 all other
    recordings. Unless fold 2 validates, it trains. No speaker is in two of them.

    Parameters
    ----------
    option : str
        None is known.

    Returns
    -------
    ClipDataset
        `source` is the speaker, whose code is the first part of a file's name.

    Raises
    ------
    DatasetError
        When it is not on this machine, or a list names a recording that is not there.
    OptionError
        When an option is given.
    """
    refuse_option(NAME, option)
    folder = find_dataset(NAME, FOLDERS, MARKERS)
    words = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(HIDDEN)]
    files = [file for word in words for file in sorted(word.glob("[!.]*.wav"))]
    names = [f"{file.parent.name}/{file.name}" for file in files]
    if not files:
        raise DatasetError(folder, "has lists but no recordings", "fetch it again")
    folds = np.full(len(files), TRAINING_FOLD)
    for name, fold in ((VALIDATION_LIST, VALIDATION_FOLD), (TEST_LIST, TEST_FOLD)):
        folds[np.isin(names, _read_list(folder / name, set(names)))] = fold
    table, class_names = build_table(
        folder,
        {
            "clip": [f"{file.parent.name}-{file.stem}" for file in files],
            "path": files,
            "class_name": [file.parent.name for file in files],
            "fold": folds,
            "source": [file.stem.partition("_nohash_")[0] for file in files],
            "split": np.where(folds == TEST_FOLD, "test", "train"),
        },
    )
    return ClipDataset(
        name=NAME,
        table=table,
        class_names=class_names,
        duration_s=1.0,
        sample_rate=16_000,
        protocol="official lists: fold 1 tests, fold 2 validates or trains, fold 3 trains; no speaker in two of them",
        licence=LICENCE,
        citation=CITATION,
        test_folds=(TEST_FOLD,),
    )


def get_speech_commands(option: str) -> None:
    """Download and unpack Speech Commands V2 unless it is there."""
    refuse_option(NAME, option)
    if not is_there(FOLDERS, MARKERS):
        install_archive(ARCHIVE)


def _read_list(path: Path, known: set[str]) -> list[str]:
    try:
        names = path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(path, f"cannot be read ({error})", "fetch the dataset again") from error
    refuse(path, [f"{name} is not there" for name in names if name not in known], "fetch the dataset again")
    return names


ENTRY = DatasetEntry(
    name=NAME,
    summary="35 spoken words by 2,618 speakers, official training, validation and testing lists",
    size="105829 clips of up to 1 s, 2.4 GB download",
    licence=LICENCE,
    citation=CITATION,
    load=load_speech_commands,
    get=get_speech_commands,
)
