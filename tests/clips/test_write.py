from __future__ import annotations

import numpy as np
import pytest
import soundfile

from esclab.clips.write import write_audio, write_sounds
from esclab.errors import OptionError, StorageError

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(800) / 8000)


def test_written_sound_is_16_bit_wav_and_reads_back_within_half_a_step(tmp_path):
    path = write_audio(tmp_path / "new" / "tone.wav", TONE, 8000)
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 8000, 1)
    np.testing.assert_allclose(soundfile.read(path)[0], TONE, atol=0.5 / 32768 + 1e-12)
    assert [found.name for found in path.parent.iterdir()] == ["tone.wav"]


def test_gain_multiplies_the_samples(tmp_path):
    found = soundfile.read(write_audio(tmp_path / "tone.wav", TONE, 8000, gain=0.25))[0]
    np.testing.assert_allclose(found, 0.25 * TONE, atol=0.5 / 32768 + 1e-12)


def test_full_scale_is_written_and_more_is_refused_with_the_gain_that_fits(tmp_path):
    found = soundfile.read(write_audio(tmp_path / "edge.wav", np.array([1.0, -1.0]), 8000))[0]
    np.testing.assert_array_equal(found, [32767 / 32768, -1.0])
    with pytest.raises(OptionError, match=r"gain of at most 0\.5"):
        write_audio(tmp_path / "loud.wav", np.array([0.0, 2.0]), 8000)
    assert not (tmp_path / "loud.wav").exists()


@pytest.mark.parametrize(
    ("name", "samples", "rate", "gain"),
    [
        ("a.wav", np.array([0.0, np.nan]), 8000, 1.0),
        ("a.wav", np.array([0.0, np.inf]), 8000, 1.0),
        ("a.wav", np.zeros((2, 4)), 8000, 1.0),
        ("a.wav", np.zeros(0), 8000, 1.0),
        ("a.mp3", np.zeros(4), 8000, 1.0),
        ("a.wav", np.zeros(4), 0, 1.0),
        ("a.wav", np.zeros(4), 8000.5, 1.0),
        ("a.wav", np.zeros(4), 8000, 0.0),
        ("a.wav", np.zeros(4), 8000, np.nan),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path, name, samples, rate, gain):
    with pytest.raises(OptionError):
        write_audio(tmp_path / name, samples, rate, gain=gain)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        write_audio(tmp_path / "file" / "tone.wav", TONE, 8000)


def test_several_sounds_share_one_gain_that_brings_the_loudest_to_1_db_below_full_scale(tmp_path):
    paths = write_sounds({tmp_path / "quiet.wav": 0.2 * TONE, tmp_path / "loud.wav": 4 * TONE}, 8000)
    assert [path.name for path in paths] == ["quiet.wav", "loud.wav"]
    quiet, loud = (soundfile.read(path)[0] for path in paths)
    assert np.abs(loud).max() == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    np.testing.assert_allclose(quiet * 20, loud, atol=20 / 32768)


def test_silence_stays_silence_and_no_sounds_are_refused(tmp_path):
    (path,) = write_sounds({tmp_path / "silence.wav": np.zeros(10)}, 8000)
    assert not soundfile.read(path)[0].any()
    with pytest.raises(OptionError, match="there are none"):
        write_sounds({}, 8000)


def test_no_sound_is_written_when_one_is_not_finite(tmp_path):
    with pytest.raises(OptionError, match=r"b\.wav"):
        write_sounds({tmp_path / "a.wav": TONE, tmp_path / "b.wav": np.array([np.nan])}, 8000)
    assert list(tmp_path.iterdir()) == []
