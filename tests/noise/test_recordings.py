from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from esclab.clips import load_dataset
from esclab.errors import ClipError, DatasetError, OptionError
from esclab.noise import draw_noise, find_noise, inject_noise, measure_snr
from esclab.noise.recordings import close_loop
from esclab.results import Region

RATE = 16_000
CLIP = (0.1 * np.random.default_rng(7).standard_normal(2 * RATE)).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return str(path)


def draw(kind: str, count: int, seed: int = 0) -> np.ndarray:
    return find_noise(kind).draw(count, RATE, np.random.default_rng(seed))


def make_tone(seconds: float, frequency_hz: float = 440.0, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate)


def peak_hz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


def test_long_recording_is_cut_at_a_seeded_place(tmp_path):
    counting = np.linspace(0.5, 1.0, 10 * RATE)
    path = write_wav(tmp_path / "ramp.wav", counting)
    entry = find_noise(path)
    assert (entry.label, entry.synthetic) == ("ramp.wav", False)
    one, other = draw(path, RATE, 0), draw(path, RATE, 1)
    np.testing.assert_array_equal(one, draw(path, RATE, 0))
    assert one[0] != other[0]
    for piece in (one, other):
        np.testing.assert_allclose(np.diff(piece), np.diff(counting)[0], atol=1e-7)


def test_short_recording_is_looped_without_a_seam(tmp_path):
    path = write_wav(tmp_path / "tone.wav", make_tone(0.5))
    looped = draw(path, 3 * RATE)
    assert peak_hz(looped) == pytest.approx(440, abs=0.5)
    assert np.abs(np.diff(looped)).max() < 1.6 * np.abs(np.diff(make_tone(0.5))).max()
    period = RATE // 2 - RATE // 20
    np.testing.assert_allclose(looped[period:], looped[:-period])


def test_recording_of_the_clips_length_starts_elsewhere_with_each_seed(tmp_path):
    path = write_wav(tmp_path / "noise.wav", CLIP)
    assert not np.array_equal(draw(path, len(CLIP), 0), draw(path, len(CLIP), 1))


def test_loop_mixes_its_ends_at_equal_power():
    unit = close_loop(np.concatenate([np.zeros(50), np.ones(50)]), 50)
    assert len(unit) == 50
    np.testing.assert_allclose(unit, np.cos(0.5 * np.pi * (np.arange(50) + 0.5) / 50))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_recording_of_a_few_samples_loops(tmp_path, count):
    path = write_wav(tmp_path / "short.wav", np.full(count, 0.25))
    assert np.abs(draw(path, 1000)).min() > 0.2


def test_recording_is_resampled(tmp_path):
    path = write_wav(tmp_path / "tone.wav", make_tone(3, 1000, 44_100), 44_100)
    assert peak_hz(draw(path, 2 * RATE)) == pytest.approx(1000, abs=1)


def test_stereo_recording_is_mixed_to_mono(tmp_path):
    path = write_wav(tmp_path / "stereo.wav", np.stack([np.full(RATE, 0.25), np.full(RATE, 0.75)], axis=1))
    np.testing.assert_allclose(draw(path, 1000), 0.5, atol=1e-6)


def test_pauses_of_a_recording_are_passed_over(tmp_path):
    samples = np.zeros(20 * RATE)
    samples[7 * RATE : 8 * RATE] = make_tone(1)
    path = write_wav(tmp_path / "once.wav", samples)
    region = Region(0.5, 0.7, 300, 600)
    for seed in range(10):
        noisy = inject_noise(CLIP, RATE, kind=path, region=region, seed=seed)
        assert measure_snr(CLIP, noisy, RATE) == pytest.approx(10, abs=1e-3)
        assert peak_hz(noisy.astype(float) - CLIP) == pytest.approx(440, abs=10)


def test_stretch_of_a_long_recording_depends_on_the_seed(tmp_path):
    counting = np.linspace(0.5, 1.0, 150 * 1000)
    path = write_wav(tmp_path / "long.wav", counting, 1000)
    entry = find_noise(path)
    starts = [entry.draw(1000, 1000, np.random.default_rng(seed))[0] for seed in range(30)]
    assert min(starts) < 0.6
    assert max(starts) > 0.9


def test_silent_recording_is_told(tmp_path):
    path = write_wav(tmp_path / "silent.wav", np.zeros(3 * RATE))
    with pytest.raises(OptionError, match=r"silent\.wav: is silent"):
        inject_noise(CLIP, RATE, kind=path)


def test_file_that_is_no_audio_is_told(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("no sound")
    with pytest.raises(ClipError, match=r"text\.wav"):
        inject_noise(CLIP, RATE, kind=str(path))


def test_changed_file_is_read_anew(tmp_path):
    path = write_wav(tmp_path / "tone.wav", make_tone(3, 440))
    assert peak_hz(draw(path, RATE)) == pytest.approx(440, abs=1)
    write_wav(tmp_path / "tone.wav", make_tone(3, 880))
    assert peak_hz(draw(path, RATE)) == pytest.approx(880, abs=1)


@pytest.mark.parametrize("region", [Region(), Region(0.5, 1.0, 100, 1000)], ids=str)
def test_recording_has_the_snr_asked_for(tmp_path, region):
    path = write_wav(tmp_path / "noise.wav", np.random.default_rng(0).standard_normal(RATE) * 0.1)
    for reference in ("clip", "region"):
        noisy = inject_noise(CLIP, RATE, kind=path, region=region, reference=reference, snr_db=0)
        assert measure_snr(CLIP, noisy, RATE, region=region, reference=reference) == pytest.approx(0, abs=1e-3)


def test_clip_of_a_dataset_is_a_kind(tmp_path, monkeypatch):
    for number in range(2):
        write_wav(tmp_path / "mine" / "hum" / f"tone{number}.wav", make_tone(2, 300 + 200 * number))
        write_wav(tmp_path / "mine" / "hiss" / f"hiss{number}.wav", CLIP)
    clips = load_dataset(f"folder:{tmp_path / 'mine'}")
    monkeypatch.setattr("esclab.noise.find.load_dataset", lambda spec: clips)
    name = str(clips.table["clip"][clips.table["path"].str.endswith("tone1.wav")].iloc[0])
    for kind in (f"esc10/{name}", f"esc10/{name}.ogg"):
        assert peak_hz(draw(kind, RATE)) == pytest.approx(500, abs=1)
    with pytest.raises(OptionError, match="clip nothing"):
        find_noise("esc10/nothing")


def test_clip_of_esc10_is_a_kind(esc10):
    noisy = inject_noise(CLIP, RATE, kind=f"esc10/{esc10.table['clip'].iloc[0]}.ogg", snr_db=5)
    assert measure_snr(CLIP, noisy, RATE) == pytest.approx(5, abs=1e-3)


@pytest.fixture
def tau_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ESCLAB_DATA", str(tmp_path))
    audio = tmp_path / "TAU-urban-acoustic-scenes-2019-development" / "audio"
    for number, frequency_hz in enumerate((400, 600, 800)):
        write_wav(audio / f"bus-city-{number}-{number}-a.wav", make_tone(3, frequency_hz, 48_000), 48_000)
    write_wav(audio / "tram-city-0-0-a.wav", make_tone(3, 1200, 48_000), 48_000)
    write_wav(audio / "metro-city-0-0-a.wav", make_tone(3, 3000, 48_000), 48_000)
    return tmp_path


def test_tau_scene_is_a_seeded_choice_of_its_recordings(tau_folder):
    found = {round(peak_hz(draw("tau-bus", RATE, seed))) for seed in range(20)}
    assert found == {400, 600, 800}
    assert {round(peak_hz(draw("tau-tram", RATE, seed))) for seed in range(5)} == {1200}
    noise = draw_noise(CLIP, RATE, kind="tau-bus", seed=3)
    np.testing.assert_array_equal(noise, draw_noise(CLIP, RATE, kind="tau-bus", seed=3))


def test_absent_tau_says_where_to_get_it_and_what_stands_in(tmp_path, monkeypatch):
    monkeypatch.setenv("ESCLAB_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"https://zenodo.org/records/2589280.*ESCLAB_DATA.*bus-like") as caught:
        inject_noise(CLIP, RATE, kind="tau-bus")
    assert str(tmp_path) in str(caught.value)
