from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from esclab.clips import synth
from esclab.clips.dataset import COLUMNS, ClipDataset
from esclab.clips.synthesis import settings
from esclab.clips.synthesis.blocks import make_noise, make_pulses, pass_band, shape, tilt
from esclab.clips.synthesis.clip import CLASS_NAMES, lay_out, plan_clip, synthesize_clip
from esclab.errors import OptionError, StorageError

RATE = settings.SAMPLE_RATE


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    synth.make_synth10(50, home=folder)
    return folder


@pytest.fixture
def dataset(home: Path, monkeypatch: pytest.MonkeyPatch) -> ClipDataset:
    monkeypatch.setenv("ESCLAB_HOME", str(home))
    return synth.ENTRY.load("50")


def band_energy(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Return the energy between two frequencies, as a share of the whole where they are 0 and half the rate."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequency_hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(2 * power[(frequency_hz >= low_hz) & (frequency_hz <= high_hz)].sum() / len(samples))


def test_synthesize_clip_repeats_to_the_bit() -> None:
    first, again, other = synthesize_clip(7), synthesize_clip(7), synthesize_clip(7, seed=1)
    assert first.samples.dtype == np.float32
    np.testing.assert_array_equal(first.samples, again.samples)
    assert [(e.onset_s, e.low_hz) for e in first.events] == [(e.onset_s, e.low_hz) for e in again.events]
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("number", range(20))
def test_boxes_hold_the_energy_of_the_finished_clip(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SNR_DB", (50.0, 50.0))
    monkeypatch.setattr(settings, "DISTRACTORS", (0, 0))
    clip = synthesize_clip(number)
    inside = sum(
        band_energy(clip.samples[round(e.onset_s * RATE) : round(e.offset_s * RATE)], e.low_hz, e.high_hz)
        for e in clip.events
    )
    assert inside > 0.9 * float(np.sum(clip.samples.astype(float) ** 2))


@pytest.mark.parametrize("number", range(10))
def test_boxes_leave_room_without_the_event(number: int) -> None:
    clip = synthesize_clip(number)
    spans = [(event.onset_s, event.offset_s) for event in clip.events]
    assert spans == sorted(spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    assert 0.0 < sum(offset - onset for onset, offset in spans) < 4.6
    assert all(onset > 0.0 and offset < settings.DURATION_S for onset, offset in spans)
    assert all(0.0 < event.low_hz < event.high_hz < RATE / 2 for event in clip.events)


def test_snr_is_that_of_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DISTRACTORS", (0, 0))
    errors_db = []
    for number in range(20, 30):
        clip = synthesize_clip(number)
        low_hz, high_hz = min(e.low_hz for e in clip.events), max(e.high_hz for e in clip.events)
        sounding = np.concatenate([event.samples for event in clip.events])
        background = clip.samples - lay_out(clip.events)
        noise_power = band_energy(background, low_hz, high_hz) / len(background)
        errors_db.append(10 * np.log10(np.mean(sounding**2) / noise_power) - clip.snr_db)
    # The recording chain colours events and background alike, so that the ratio moves only a little.
    assert abs(np.median(errors_db)) < 1.5
    assert np.abs(errors_db).max() < 6.0


def test_plan_balances_classes_folds_and_sources() -> None:
    plans = [plan_clip(number) for number in range(400)]
    assert set(Counter((p.class_name, p.fold) for p in plans).values()) == {8}
    assert set(Counter(p.source for p in plans).values()) == {2}
    assert len({p.clip for p in plans}) == 400
    folds: dict[str, set[int]] = {}
    for plan in plans:
        folds.setdefault(plan.source, set()).add(plan.fold)
    assert all(len(found) == 1 for found in folds.values())


def test_plan_names_clip_and_source() -> None:
    # 111 = 2 laps of 50, then the second fold's second class.
    plan = plan_clip(111)
    assert (plan.class_name, plan.fold, plan.source, plan.clip) == (
        "rooster",
        2,
        "rooster-2-02",
        "2-rooster-02-a",
    )


def test_clips_of_a_source_share_its_place_and_differ() -> None:
    first, second = synthesize_clip(0), synthesize_clip(50)
    assert first.plan.source == second.plan.source
    assert first.background == second.background
    assert not np.array_equal(first.samples, second.samples)


def test_written_clips_are_the_synthesized_ones(dataset: ClipDataset) -> None:
    for number in (0, 23, 49):
        row = dataset.table.iloc[number]
        read, rate = soundfile.read(row["path"], dtype="float32")
        clip = synthesize_clip(number)
        assert (row["clip"], rate, read.shape) == (clip.plan.clip, 44_100, (220_500,))
        np.testing.assert_array_equal(read, clip.samples)
        boxes = dataset.events[dataset.events["clip"] == row["clip"]]
        np.testing.assert_allclose(boxes["onset_s"], [e.onset_s for e in clip.events], atol=1e-4)


def test_load_gives_table_and_events(dataset: ClipDataset) -> None:
    assert dataset.name == "synth10:50"
    assert tuple(dataset.table.columns) == COLUMNS
    assert dataset.folds == (1, 2, 3, 4, 5)
    assert dataset.class_names == CLASS_NAMES
    assert dataset.protocol == "5 folds by source, synthetic"
    assert set(Counter(zip(dataset.table["class_index"], dataset.table["fold"], strict=True)).values()) == {1}
    assert tuple(dataset.events.columns) == synth.EVENT_COLUMNS
    assert set(dataset.events["clip"]) == set(dataset.table["clip"])


def test_levels_are_alike_and_nothing_clips(dataset: ClipDataset) -> None:
    levels_db = []
    for path in dataset.table["path"]:
        samples, _ = soundfile.read(path)
        assert np.abs(samples).max() <= 0.9
        assert np.abs(samples[:10]).max() < 0.002
        assert np.abs(samples[-10:]).max() < 0.002
        levels_db.append(10 * np.log10(np.mean(samples**2)))
    assert np.ptp(np.percentile(levels_db, [10, 90])) < 5.0
    assert np.ptp(levels_db) < 12.0


def test_snr_spans_its_range(home: Path) -> None:
    snr_db = pd.read_csv(home / "synth10-50" / "meta" / "synth10.csv")["snr_db"]
    low, high = settings.SNR_DB
    assert snr_db.between(low, high).all()
    assert snr_db.min() < low + 4.0
    assert snr_db.max() > high - 4.0


def test_second_call_makes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "synthesize_clip", None)
    assert synth.make_synth10(50, home=home) == home / "synth10-50"


def test_two_at_once_make_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, clip = [], synthesize_clip(0)
    monkeypatch.setattr(synth, "synthesize_clip", lambda number, *, seed: made.append(number) or clip)
    monkeypatch.setattr(synth, "_is_complete", lambda folder, version: (folder / "meta").is_dir())
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: synth.make_synth10(50, home=tmp_path), range(2)))
    assert len(made) == 50
    assert folders == [tmp_path / "synth10-50"] * 2


def test_damaged_or_older_dataset_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = {number: synthesize_clip(number) for number in range(2)}
    monkeypatch.setattr(synth, "synthesize_clip", lambda number, *, seed: clips[number])
    folder = synth.make_synth10(2, home=tmp_path)
    lost = folder / "audio" / "1-dog-01-a.flac"
    lost.unlink()
    synth.make_synth10(2, home=tmp_path)
    assert lost.is_file()
    (folder / "meta" / "version.json").write_text('{"generator": 0, "seed": 0, "size": 2}')
    (folder / "audio" / "stale.flac").touch()
    synth.make_synth10(2, home=tmp_path)
    assert not (folder / "audio" / "stale.flac").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["synth10-2"]


def test_failed_making_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(number: int, *, seed: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synth, "synthesize_clip", fail)
    with pytest.raises(StorageError, match=r"No space left on device\); free some space"):
        synth.make_synth10(50, home=tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_home_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(StorageError, match="ESCLAB_HOME"):
        synth.make_synth10(50, home=tmp_path / "home")


@pytest.mark.parametrize("option", ["0", "40", "55", "-50", "50.0", "many", "5010", "²00", "9" * 5000])
def test_size_that_is_not_offered_is_an_option_error(option: str) -> None:
    with pytest.raises(OptionError, match="multiple of 10 from 50"):
        synth.ENTRY.get(option)


@pytest.mark.parametrize(("option", "size"), [("", 400), ("50", 50), (" 80 ", 80), ("400", 400)])
def test_size_is_read_from_the_option(option: str, size: int) -> None:
    assert synth.parse_size(option) == size


def test_curves_have_their_gains() -> None:
    frequency_hz = np.array([500.0, 1000.0, 2000.0])
    np.testing.assert_allclose(tilt(-6.0206)(frequency_hz), [2.0, 1.0, 0.5])
    edge = pass_band(500.0, 8000.0)(np.array([500.0, 2000.0, 8000.0, 16_000.0]))
    np.testing.assert_allclose(edge, [0.5**0.5, 1.0, 0.5**0.5, 2.0**-16], rtol=1e-3)


def test_noise_follows_its_curve() -> None:
    noise = make_noise(np.random.default_rng(0), RATE, pass_band(1000.0, 2000.0))
    assert np.mean(noise**2) == pytest.approx(1.0)
    assert band_energy(noise, 900.0, 2200.0) > 0.99 * RATE


def test_pulses_keep_their_rate() -> None:
    pulses = make_pulses(np.full(RATE, 10.0), 100.0)
    assert int(np.sum((pulses[1:] > 0.5) & (pulses[:-1] <= 0.5))) == 10
    assert pulses.max() == pytest.approx(1.0)


def test_shape_does_not_delay() -> None:
    click = np.zeros(4001)
    click[2000] = 1.0
    filtered = shape(click, pass_band(300.0, 5000.0))
    assert int(np.argmax(filtered)) == 2000
