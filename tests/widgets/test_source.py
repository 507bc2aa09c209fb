from __future__ import annotations

import gc
import io
import os

import numpy as np
import pytest
import soundfile

from esclab.errors import ClipError, OptionError, StorageError
from esclab.widgets import own_store
from esclab.widgets.own_store import find_free_name, keep_sound, make_safe_name
from esclab.widgets.source import ClipSource


def make_file(level=0.5, *, seconds=0.2, rate=8000, fmt="WAV", channels=1):
    """Return the bytes of a recording that holds one level."""
    buffer = io.BytesIO()
    samples = np.full((round(seconds * rate), channels), level, dtype=np.float32)
    soundfile.write(buffer, samples, rate, format=fmt)
    return buffer.getvalue()


@pytest.fixture
def source(clips, tmp_path, monkeypatch):
    source = ClipSource(clips)
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "own"))
    return source


def test_select_finds_clips_by_class_fold_and_words(source):
    table = source.dataset.table
    dogs = table[(table["class_name"] == "dog") & (table["fold"] == 2)]["clip"].tolist()
    assert source.select(class_name="dog", fold=2) == dogs
    assert set(source.select(words="DOG ")) == set(table[table["class_name"] == "dog"]["clip"])
    assert source.select(words="no such clip") == []
    assert len(source.select()) == 50


def test_own_sound_becomes_a_clip_whose_samples_are_those_of_its_file(source):
    assert source.add_own("Hund ü 犬.wav", make_file(0.25)) == "Hund ü 犬.wav"
    assert source.list_own() == ["Hund ü 犬.wav"]
    assert source.select(words="犬") == ["Hund ü 犬.wav"]
    assert source.select(class_name="own") == ["Hund ü 犬.wav"]
    assert source.select(fold=1, words="犬") == []  # own sounds are in no fold
    info = source.describe("Hund ü 犬.wav")
    assert (info.fold, info.class_name, info.label) == (0, "", "Hund ü 犬.wav")
    samples = source.read("Hund ü 犬.wav", sample_rate=8000, duration_s=0.5)
    np.testing.assert_allclose(samples[:1600], 0.25, atol=1e-4)
    assert not samples[1600:].any()
    assert len(samples) == 4000


@pytest.mark.parametrize("fmt", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_every_common_format_is_kept(source, fmt):
    assert source.add_own(f"tone.{fmt.lower()}", make_file(fmt=fmt, channels=2)) == f"tone.{fmt.lower()}"


def test_own_sound_never_replaces_another_one_or_hides_a_clip(source):
    clip = str(source.dataset.table["clip"].iloc[0])
    stem, suffix = os.path.splitext(clip)
    assert source.add_own("a.wav", make_file(0.1)) == "a.wav"
    assert source.add_own("A.wav", make_file(0.2)) == "A (2).wav"
    assert source.add_own("a.wav", make_file(0.3)) == "a (3).wav"
    assert source.add_own(clip, make_file(0.3)) == f"{stem} (2){suffix}"
    assert source.read("a.wav", sample_rate=8000, duration_s=0.1).max() == pytest.approx(0.1, abs=1e-3)


def test_deleted_sound_is_gone_and_its_name_may_hold_another_sound(source):
    source.add_own("a.wav", make_file(0.1))
    source.read("a.wav", sample_rate=8000, duration_s=0.1)
    source.delete_own("a.wav")
    assert source.list_own() == []
    with pytest.raises(OptionError):
        source.delete_own("a.wav")
    source.add_own("a.wav", make_file(0.3))
    assert source.read("a.wav", sample_rate=8000, duration_s=0.1).max() == pytest.approx(0.3, abs=1e-3)


def test_deletion_reaches_nothing_outside_the_folder(source, tmp_path):
    source.add_own("a.wav", make_file())
    (tmp_path / "precious.wav").write_bytes(b"x")
    with pytest.raises(OptionError):
        source.delete_own("../precious.wav")
    assert (tmp_path / "precious.wav").exists()


def test_file_that_is_no_audio_is_refused_in_one_line_and_leaves_nothing(source):
    with pytest.raises(ClipError, match=r"^notes\.wav: ") as caught:
        source.add_own("notes.wav", b"Dear diary, " * 100)
    assert "\n" not in str(caught.value)
    assert ".coming-" not in str(caught.value)
    with pytest.raises(ClipError, match="PDF"):
        source.add_own("paper.wav", b"%PDF-1.7 " * 100)
    with pytest.raises(ClipError, match=r"^cut\.wav: "):
        source.add_own("cut.wav", make_file(seconds=2.0)[:2000])
    assert source.list_own() == []
    assert [name for name in os.listdir(source.own_folder) if name != ".lock"] == []


def test_file_without_header_is_refused_whatever_its_bytes(source):
    with pytest.raises(ClipError, match=r"^tone\.raw: "):
        source.add_own("tone.raw", make_file())


def test_empty_large_and_long_files_are_refused(source, monkeypatch):
    with pytest.raises(ClipError, match="is empty"):
        source.add_own("a.wav", b"")
    monkeypatch.setattr(own_store, "MOST_BYTES", 2_000_000)
    with pytest.raises(ClipError, match="has 3 MB, more than the 2 MB that are taken"):
        source.add_own("a.wav", bytes(3_000_000))
    monkeypatch.setattr(own_store, "LONGEST_S", 60.0)
    with pytest.raises(ClipError, match="lasts 2 min, more than the 1 min taken"):
        source.add_own("a.flac", make_file(seconds=120.0, fmt="FLAC"))


def test_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "own").write_text("a file in the folder's place")
    with pytest.raises(StorageError, match=r"cannot keep a\.wav"):
        keep_sound(tmp_path / "own", "a.wav", make_file())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.wav", "passwd.wav"),
        ("C:\\sounds\\dog.wav", "dog.wav"),
        ("a\nb\x1b[31m\u202e.wav", "ab[31m.wav"),
        (".hidden.wav", "hidden.wav"),
        ("<img src=x onerror=alert(1)>.wav", "<img src=x onerror=alert(1)>.wav"),
        ("u\u0308.wav", "ü.wav"),
        ("\ud800.wav", "wav"),
        ("..", "sound"),
        ("", "sound"),
        ("  ", "sound"),
    ],
)
def test_safe_name_keeps_letters_and_drops_paths_and_control_characters(name, safe):
    assert make_safe_name(name) == safe


def test_safe_name_is_short_enough_for_a_file_system_and_keeps_its_ending():
    name = make_safe_name("ü" * 300 + ".flac")
    assert name.endswith("ü.flac")
    assert 170 < len(name.encode()) <= 180


def test_free_name_counts_up():
    assert find_free_name("a.wav", []) == "a.wav"
    assert find_free_name("a.wav", ["a.wav", "a (2).wav"]) == "a (3).wav"


def test_every_source_hears_of_a_sound_until_it_is_gone(source):
    heard = []
    other = ClipSource(source.dataset)
    source.subscribe(lambda: heard.append("own"))
    other.subscribe(lambda: heard.append("other"))
    source.add_own("a.wav", make_file())
    assert sorted(heard) == ["other", "own"]
    del other
    gc.collect()
    heard.clear()
    source.delete_own("a.wav")
    assert heard == ["own"]
    with pytest.raises(ClipError):
        source.add_own("a.wav", b"no")
    assert heard == ["own"]
