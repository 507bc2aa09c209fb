from __future__ import annotations

import os
import random
import struct

import numpy as np
import pytest
import soundfile

from esclab.clips import read_audio
from esclab.clips.container import check_container
from esclab.clips.ogg import ogg_checksum
from esclab.clips.salvage import salvage_audio
from esclab.errors import ClipError


def crc_by_hand(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1
            value &= 0xFFFFFFFF
    return value


@pytest.mark.parametrize("data", [b"", b"\x01", b"OggS and some more", bytes(range(256))])
def test_ogg_checksum_is_that_of_the_bitwise_definition(data):
    assert ogg_checksum(data) == crc_by_hand(data)


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        ("Grüße\n".encode() * 200, "text"),
        (b"PK\x03\x04rest", "a ZIP archive"),
    ],
)
@pytest.mark.parametrize("suffix", ["wav", "ogg", "mp3"])
def test_file_that_is_no_audio_says_what_it_looks_like(tmp_path, data, looks, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    with pytest.raises(ClipError, match=looks):
        check_container(path)


@pytest.fixture
def ogg_data(tmp_path, write_tone) -> bytes:
    return write_tone(tmp_path / "sound.ogg", duration_s=3.0, sample_rate=44100).read_bytes()


def test_ogg_cut_anywhere_is_refused(tmp_path, ogg_data):
    rng = random.Random(0)
    for at in [1, 26, 27, len(ogg_data) - 1, *(rng.randrange(1, len(ogg_data)) for _ in range(60))]:
        path = tmp_path / f"cut{at}.ogg"
        path.write_bytes(ogg_data[:at])
        with pytest.raises(ClipError, match=r"cut|damaged|text"):
            check_container(path)


def test_ogg_with_one_flipped_bit_is_refused(tmp_path, ogg_data):
    rng = random.Random(1)
    for at in [0, 5, 22, *(rng.randrange(len(ogg_data)) for _ in range(60))]:
        damaged = bytearray(ogg_data)
        damaged[at] ^= 1 << rng.randrange(8)
        path = tmp_path / f"flip{at}.ogg"
        path.write_bytes(damaged)
        with pytest.raises(ClipError, match="flip"):
            read_audio(path, sample_rate=44100)


def test_ogg_without_a_page_is_refused(tmp_path, ogg_data):
    starts = [at for at in range(len(ogg_data)) if ogg_data[at : at + 4] == b"OggS"]
    assert len(starts) > 3
    (tmp_path / "a.ogg").write_bytes(ogg_data[: starts[2]] + ogg_data[starts[3] :])
    with pytest.raises(ClipError, match="pages are missing before Ogg page 2"):
        check_container(tmp_path / "a.ogg")


def test_ogg_with_padding_or_a_second_stream_passes(tmp_path, ogg_data):
    for name, data in (("padded", ogg_data + bytes(100)), ("chained", ogg_data + ogg_data)):
        (tmp_path / name).write_bytes(data)
        check_container(tmp_path / name)


@pytest.mark.parametrize("lost", [1, 2, 100])
@pytest.mark.parametrize("suffix", ["wav", "aiff", "rf64"])
def test_file_shorter_than_its_header_claims_is_refused(tmp_path, write_tone, suffix, lost):
    path = write_tone(tmp_path / f"a.{suffix}")
    check_container(path)
    lost += 8 if suffix == "aiff" else 0
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(ClipError, match="cut short"):
        check_container(path)


def test_wav_without_a_known_length_passes(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    check_container(path)


def test_wav_cut_in_its_header_is_refused(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ClipError, match="no data chunk"):
        check_container(path)


def test_pipe_folder_device_loop_and_missing_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    for path, cause in (
        (tmp_path / "pipe.wav", "is a pipe"),
        (tmp_path, "is a folder"),
        ("/dev/zero", "is a device"),
        (tmp_path / "loop.wav", "cannot be opened"),
        (tmp_path / "missing.wav", "No such file"),
        ("nul\0.wav", "cannot be opened"),
    ):
        with pytest.raises(ClipError, match=cause):
            check_container(path)


def test_file_is_checked_again_when_it_changes(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.wav")
    check_container(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ClipError, match="cut short"):
        check_container(path)


def test_salvage_of_a_cut_wav_says_how_much_is_lost(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.wav", duration_s=2.0, sample_rate=8000, subtype="PCM_16")
    whole = soundfile.read(path, dtype="float32")[0]
    path.write_bytes(path.read_bytes()[: -2 * 4000])
    saved = salvage_audio(path, sample_rate=8000)
    np.testing.assert_array_equal(saved.samples, whole[:12000])
    assert (saved.kept_s, saved.lost_s) == (1.5, pytest.approx(0.5))


def test_salvage_of_a_damaged_ogg_keeps_what_comes_before(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.ogg", duration_s=8.0, sample_rate=44100)
    whole, data = soundfile.read(path, dtype="float32")[0], bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)
    saved = salvage_audio(path, sample_rate=44100)
    assert saved.kept_s > 1
    assert saved.lost_s > 0.5
    assert saved.kept_s + saved.lost_s == pytest.approx(8.0, abs=0.01)
    np.testing.assert_allclose(saved.samples, whole[: len(saved.samples)], atol=1e-6)
    path.write_bytes(data[: len(data) * 3 // 4])
    assert np.isnan(salvage_audio(path, sample_rate=44100).lost_s)


def test_salvage_of_another_format_is_refused(tmp_path, write_tone):
    with pytest.raises(ClipError, match="only WAV and Ogg"):
        salvage_audio(write_tone(tmp_path / "a.flac"), sample_rate=8000)
