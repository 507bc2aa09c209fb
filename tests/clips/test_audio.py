from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from esclab.clips import ClipDataset, audio_info, decode, read_audio, read_clip, read_windows
from esclab.clips.table import build_table
from esclab.errors import ClipError, OptionError


def ramp(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.float32) / count


def test_audio_keeps_samples_at_its_own_rate(tmp_path):
    soundfile.write(tmp_path / "a.wav", ramp(4000), 8000, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", sample_rate=8000)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, ramp(4000))


@pytest.mark.parametrize(("duration_s", "count"), [(0.25, 2000), (0.75, 6000)])
def test_audio_is_cut_or_padded_at_the_end(tmp_path, duration_s, count):
    soundfile.write(tmp_path / "a.wav", ramp(4000), 8000, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", sample_rate=8000, duration_s=duration_s)
    assert samples.shape == (count,)
    np.testing.assert_array_equal(samples[:4000], ramp(4000)[:count])
    assert not samples[4000:].any()


def test_audio_part_is_the_samples_between_onset_and_offset(tmp_path):
    soundfile.write(tmp_path / "a.wav", ramp(8000), 8000, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", sample_rate=8000, onset_s=0.25, offset_s=0.5)
    np.testing.assert_array_equal(samples, ramp(8000)[2000:4000])


@pytest.mark.parametrize(("onset_s", "offset_s"), [(-0.1, None), (1.5, None), (0.5, 0.5), (0.5, 0.2), (0.0, 1.2)])
def test_audio_part_outside_the_file_is_refused(tmp_path, onset_s, offset_s):
    soundfile.write(tmp_path / "a.wav", ramp(8000), 8000)
    with pytest.raises(ClipError, match="has no part"):
        read_audio(tmp_path / "a.wav", sample_rate=8000, onset_s=onset_s, offset_s=offset_s)


@pytest.mark.parametrize(("own", "target"), [(44100, 22050), (8000, 16000), (11024, 44100), (96000, 32000)])
def test_audio_resampled_tone_keeps_frequency_and_level(tmp_path, write_tone, own, target):
    path = write_tone(tmp_path / "a.wav", 1000.0, duration_s=1.0, sample_rate=own)
    samples = read_audio(path, sample_rate=target, duration_s=1.0)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(target))) / (target / 4)
    assert samples.shape == (target,)
    assert spectrum.argmax() == 1000  # 1 s: bins are Hz
    assert spectrum.max() == pytest.approx(0.5, rel=0.02)


def test_audio_cut_equals_the_start_of_the_whole(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, 44100), 44100)
    whole = read_audio(tmp_path / "a.wav", sample_rate=16000)
    part = read_audio(tmp_path / "a.wav", sample_rate=16000, duration_s=0.5)
    np.testing.assert_allclose(part, whole[:8000], atol=1e-6)


def test_audio_mixes_channels_with_equal_weight(tmp_path):
    channels = np.stack([np.full(100, 0.5), np.full(100, 0.25), np.zeros(100)], axis=1)
    soundfile.write(tmp_path / "a.wav", channels, 8000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", sample_rate=8000), 0.25)


def test_audio_warns_when_channels_cancel(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([ramp(100), -ramp(100)], axis=1), 8000, subtype="FLOAT")
    with pytest.warns(UserWarning, match=r"a\.wav: its channels cancel"):
        samples = read_audio(tmp_path / "a.wav", sample_rate=8000)
    assert not samples.any()


def test_audio_of_silent_stereo_gives_no_warning(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 2)), 8000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not read_audio(tmp_path / "a.wav", sample_rate=8000).any()


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [("wav", "PCM_U8", 0.01), ("wav", "PCM_24", 1e-6), ("wav", "DOUBLE", 1e-7), ("flac", "PCM_16", 1e-4),
     ("ogg", "VORBIS", 0.05), ("mp3", "MPEG_LAYER_III", 0.05), ("aiff", "PCM_16", 1e-4), ("rf64", "PCM_16", 1e-4)],
)  # fmt: skip
def test_audio_formats_give_the_same_tone(tmp_path, write_tone, suffix, subtype, tolerance):
    path = write_tone(tmp_path / f"a.{suffix}", 441.0, duration_s=0.5, sample_rate=44100, subtype=subtype)
    expected = 0.5 * np.sin(2 * np.pi * 441 * np.arange(22050) / 44100)
    samples = read_audio(path, sample_rate=44100)
    assert samples.shape == expected.shape
    np.testing.assert_allclose(samples[2000:-2000], expected[2000:-2000], atol=tolerance)


def test_audio_with_the_wrong_suffix_is_decoded_by_content(tmp_path, write_tone):
    write_tone(tmp_path / "a.flac").rename(tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav", sample_rate=8000).shape == (2000,)


@pytest.mark.parametrize("name", ["cæsar ☂.wav", "line\nbreak.wav", "<script>.wav", b"\xff\xfe.wav"])
def test_audio_with_a_strange_name_is_read(tmp_path, name):
    path = tmp_path / (name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))
    with open(path, "wb") as file:
        soundfile.write(file, ramp(100), 8000, format="WAV")
    assert read_audio(path, sample_rate=8000).shape == (100,)
    path.write_bytes(b"")
    with pytest.raises(ClipError, match="empty file") as caught:
        read_audio(path, sample_rate=8000)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinite"), (-2e4, "over 10000")])
def test_audio_with_wild_values_is_refused_with_count_and_place(tmp_path, value, what):
    samples = ramp(1000).copy()
    samples[[300, 700]] = value
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(ClipError, match=rf"has 2 samples .*{what}.* the first at 300"):
        read_audio(tmp_path / "a.wav", sample_rate=8000)


@pytest.mark.parametrize("sample_rate", [500, 500_000])
def test_audio_with_an_impossible_rate_is_refused(tmp_path, sample_rate):
    soundfile.write(tmp_path / "a.wav", ramp(100), sample_rate)
    with pytest.raises(ClipError, match=f"{sample_rate} Hz"):
        read_audio(tmp_path / "a.wav", sample_rate=8000)


def test_audio_with_too_many_channels_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 33)), 8000)
    with pytest.raises(ClipError, match="33 channels"):
        audio_info(tmp_path / "a.wav")


def test_audio_without_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    with pytest.raises(ClipError, match="no samples"):
        read_audio(tmp_path / "a.wav", sample_rate=8000)


@pytest.mark.parametrize("count", [1, 400])
def test_audio_of_a_few_samples_is_padded(tmp_path, count):
    soundfile.write(tmp_path / "a.wav", np.full(count, 0.5), 44100, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", sample_rate=22050, duration_s=1.0)
    assert samples.shape == (22050,)
    assert np.isfinite(samples).all()


def test_audio_longer_than_two_hours_is_refused_before_it_is_read(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.flac", duration_s=1.0)
    data = bytearray(path.read_bytes())
    data[21] |= 0x0F  # the upper 4 of the 36 bits that hold the number of samples
    path.write_bytes(data)
    with pytest.raises(ClipError, match="hours of sound"):
        read_audio(path, sample_rate=8000)


def test_audio_cut_inside_a_flac_file_is_refused(tmp_path, write_tone):
    path = write_tone(tmp_path / "a.flac", duration_s=2.0)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ClipError, match=r"a\.flac"):
        read_audio(path, sample_rate=8000)


@pytest.mark.parametrize(("sample_rate", "duration_s"), [(0, None), (8000.5, None), (8000, 0.0), (8000, 1e9)])
def test_audio_options_out_of_range_are_refused(tmp_path, write_tone, sample_rate, duration_s):
    path = write_tone(tmp_path / "a.wav")
    with pytest.raises(OptionError, match="out of range"):
        read_audio(path, sample_rate=sample_rate, duration_s=duration_s)


def test_info_reads_the_header(tmp_path, write_tone):
    info = audio_info(write_tone(tmp_path / "a.ogg", duration_s=0.5, sample_rate=16000))
    assert (info.duration_s, info.sample_rate, info.channels, info.samples) == (0.5, 16000, 1, 8000)


def make_dataset(path: Path, **columns: list[float]) -> ClipDataset:
    count = len(next(iter(columns.values()), [0]))
    table, names = build_table(
        "made",
        {"clip": [f"c{i}" for i in range(count)], "path": [path] * count, "class_name": [*"ab", *"b" * count][:count],
         "fold": [1] * count, "source": ["s"] * count, **columns},
    )  # fmt: skip
    return ClipDataset("made", table, names, 0.5, 8000, "made")


def test_clip_is_the_part_that_the_table_names(tmp_path):
    soundfile.write(tmp_path / "a.wav", ramp(8000), 8000, subtype="FLOAT")
    dataset = make_dataset(tmp_path / "a.wav", onset_s=[np.nan, 0.25], offset_s=[np.nan, 0.5])
    np.testing.assert_array_equal(read_clip(dataset, 0, sample_rate=8000), ramp(8000)[:4000])
    np.testing.assert_array_equal(read_clip(dataset, 1, sample_rate=8000, duration_s=0.25), ramp(8000)[2000:4000])
    assert not read_clip(dataset, 1, sample_rate=8000)[2000:].any()
    with pytest.raises(OptionError, match="row 2"):
        read_clip(dataset, 2, sample_rate=8000)


@pytest.mark.parametrize(
    ("window_s", "hop_s", "starts"),
    [(0.25, 0.25, [0, 2000, 4000, 6000, 8000]), (0.5, 0.25, [0, 2000, 4000, 6000]), (0.25, 0.5, [0, 4000, 8000]),
     (2.0, 1.0, [0])],
)  # fmt: skip
def test_windows_start_at_every_hop_and_the_last_is_padded(tmp_path, window_s, hop_s, starts):
    soundfile.write(tmp_path / "a.wav", ramp(9000), 8000, subtype="FLOAT")
    windows = list(read_windows(tmp_path / "a.wav", sample_rate=8000, window_s=window_s, hop_s=hop_s))
    padded = np.pad(ramp(9000), (0, 20000))
    assert len(windows) == len(starts)
    for start, window in zip(starts, windows, strict=True):
        np.testing.assert_array_equal(window, padded[start : start + round(window_s * 8000)])


@pytest.mark.parametrize("own", [44100, 8000, 11024])
@pytest.mark.parametrize(("window_s", "hop_s"), [(0.25, 0.25), (0.1, 0.3)])
def test_windows_streamed_equal_windows_of_the_whole(tmp_path, monkeypatch, own, window_s, hop_s):
    monkeypatch.setattr(decode, "BLOCK_SAMPLES", 3001)
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 2 * own + 17), own)
    whole = np.pad(read_audio(tmp_path / "a.wav", sample_rate=22050), (0, 22050))
    windows = list(read_windows(tmp_path / "a.wav", sample_rate=22050, window_s=window_s, hop_s=hop_s))
    window, hop = round(window_s * 22050), round(hop_s * 22050)
    count = len(whole) - 22050
    starts = [start for start in range(0, count, hop) if start - hop + window < count]
    assert len(windows) == len(starts)
    for start, found in zip(starts, windows, strict=True):
        np.testing.assert_allclose(found, whole[start : start + window], atol=1e-5)
