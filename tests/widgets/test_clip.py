from __future__ import annotations

import dataclasses
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

import esclab.features as features
from esclab.errors import DatasetError, OptionError
from esclab.features import FEATURES, FeatureEntry
from esclab.results import TimeFrequencyMap
from esclab.widgets.clip import ClipExplorer, close_events, write_facts
from esclab.widgets.clip_controller import ClipController
from esclab.widgets.source import ClipSource
from esclab.widgets.wave import measure_envelope


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def explorer(clips, tmp_path):
    return ClipExplorer(clips, folder=tmp_path / "out")


def make_wav(level=0.5):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.full(4000, level), 8000, format="WAV")
    return buffer.getvalue()


def test_first_clip_is_shown_and_heard_at_once(explorer, clips):
    controller = explorer.controller
    assert controller.name == clips.table["clip"].iloc[0]
    assert explorer.canvas.shape == [251, 40]
    rate = clips.sample_rate
    samples, found_rate = soundfile.read(io.BytesIO(explorer.canvas.sounds["play"]))
    assert found_rate == rate
    assert len(samples) == 5 * rate
    painted = np.frombuffer(explorer.canvas.values, np.uint8).reshape(251, 40)
    values = controller.picture.values
    level = 255 * (values - values.min()) / np.ptp(values)
    np.testing.assert_allclose(painted, level, atol=0.501)


def test_class_fold_and_words_leave_the_clips_that_fit(explorer, clips):
    explorer.class_choice.value = "dog"
    explorer.fold_choice.value = 3
    fits = clips.table[(clips.table["class_name"] == "dog") & (clips.table["fold"] == 3)]["clip"].tolist()
    assert list(explorer.list.options) == [(name, name) for name in fits]
    assert explorer.controller.name == fits[0] == explorer.list.value
    explorer.words.value = "nothing is called so"
    assert explorer.list.options == ()
    assert explorer.controller.picture is None
    assert explorer.canvas.shape == [0, 0]
    assert explorer.canvas.sounds == {}
    assert explorer.next.disabled
    assert "No clip fits" in explorer.count.value
    assert explorer.controller.results() == {}


def test_chosen_clip_stays_where_it_still_fits(explorer):
    name = explorer.controller.names[7]
    explorer.list.value = name
    explorer.class_choice.value = explorer.controller.info.class_name
    assert explorer.controller.name == name


def test_next_and_previous_go_around_the_ends(explorer):
    controller = explorer.controller
    first, last = controller.names[0], controller.names[-1]
    explorer.previous.click()
    assert controller.name == last == explorer.list.value
    explorer.next.click()
    assert controller.name == first
    explorer.keys.press("n")
    assert controller.name == controller.names[1]
    explorer.keys.press("p")
    explorer.keys.press("x")
    assert controller.name == first


def test_surprise_is_always_another_clip_of_the_list(explorer):
    explorer.class_choice.value = "dog"
    seen = set()
    for _ in range(20):
        before = explorer.controller.name
        explorer.chance.click()
        assert explorer.controller.name != before
        seen.add(explorer.controller.name)
    assert seen <= set(explorer.controller.names)
    assert len(seen) > 1


def test_known_events_are_outlined_until_switched_off(explorer, clips):
    events = clips.events[clips.events["clip"] == explorer.controller.name]
    expected = events[["onset_s", "offset_s", "low_hz", "high_hz"]].to_numpy().tolist()
    assert expected
    assert explorer.canvas.boxes == expected
    explorer.boxes.value = False
    assert explorer.canvas.boxes == []
    explorer.boxes.value = True
    assert explorer.canvas.boxes == expected


def test_open_ends_of_events_reach_the_map(clips):
    events = clips.events.head(1).assign(onset_s=np.nan, offset_s=np.nan, low_hz=np.nan, high_hz=np.nan)
    picture = TimeFrequencyMap(np.zeros((3, 2)), np.array([0.0, 1.0, 2.0]), np.array([100.0, 300.0]))
    closed = close_events(events, picture)[["onset_s", "offset_s", "low_hz", "high_hz"]]
    assert closed.to_numpy().tolist() == [[0.0, 2.0, 0.0, 300.0]]
    counted = dataclasses.replace(picture, frequency_hz=np.arange(2.0), axis="row")
    assert close_events(clips.events.head(1), counted)[["low_hz", "high_hz"]].to_numpy().tolist() == [[0.0, 2.0]]


def test_facts_tell_class_fold_source_and_licence(explorer, clips):
    row = clips.table.iloc[0]
    facts = dict(explorer.controller.facts())
    assert facts["Class"].startswith(row["class_name"].replace("_", " "))
    assert facts["Fold"] == str(row["fold"])
    assert facts["Source"] == row["source"]
    assert facts["Licence"] == clips.licence
    assert facts["Cite"] == clips.citation
    count = int((clips.events["clip"] == row["clip"]).sum())
    assert facts["Known events"].startswith(f"{count}: ")


def test_facts_show_markup_letter_by_letter():
    shown = write_facts([("Source", "<script>alert(1)</script>")])
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_names_with_markup_are_text_everywhere(clips, tmp_path):
    nasty = "<img src=x onerror=alert(1)>"
    table = clips.table.head(2).assign(clip=[nasty, "b"], source=nasty, class_name=nasty, class_index=0)
    explorer = ClipExplorer(dataclasses.replace(clips, table=table, class_names=(nasty,), name=nasty, licence=nasty))
    assert explorer.canvas.title == f"{nasty} ({nasty})"  # set as text by the canvas
    explorer.code_button.click()
    for shown in (explorer.facts, explorer.count, explorer.code_box, explorer.status):
        assert "<img" not in shown.value
    assert "&lt;img" in explorer.facts.value
    assert "&lt;img" in explorer.code_box.value


def test_unreadable_clip_is_one_line_and_the_next_one_works(clips, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all")
    table = clips.table.head(3).copy()
    table["path"] = [table["path"].iloc[0], str(bad), str(tmp_path / "missing.wav")]
    explorer = ClipExplorer(dataclasses.replace(clips, table=table))
    explorer.next.click()
    assert explorer.controller.name == table["clip"].iloc[1] == explorer.list.value
    assert "bad.wav" in explorer.status.value
    assert "Traceback" not in explorer.status.value
    assert explorer.canvas.shape == [0, 0]
    assert explorer.canvas.sounds == {}
    explorer.export_button.click()
    assert "there is no result yet" in explorer.status.value
    explorer.next.click()
    assert "missing.wav" in explorer.status.value
    explorer.next.click()
    assert explorer.canvas.shape == [251, 40]
    assert "missing.wav" not in explorer.status.value


def test_settings_of_the_front_end_change_the_picture(explorer):
    assert "sample_rate" not in explorer.fields
    explorer.fields["bands"].value = 64
    assert explorer.canvas.shape == [251, 64]
    explorer.fields["hop_s"].value = 0.04
    assert explorer.canvas.shape == [126, 64]
    explorer.fields["bands"].value = 0
    assert "must be positive" in explorer.status.value
    assert explorer.canvas.shape == [126, 64]
    assert explorer.fields["bands"].value == 64


def test_rate_is_the_datasets_own(clips):
    controller = ClipController(dataclasses.replace(clips, sample_rate=16_000))
    assert controller.sample_rate == 16_000
    assert len(controller.samples) == 80_000
    assert controller.picture.frequency_hz[-1] < 8000


@dataclasses.dataclass(frozen=True)
class HalvesConfig:
    sample_rate: int = 44_100
    loud: bool = False


class Halves(nn.Module):
    """Two frames and one band: the mean of each half of a clip."""

    name, unit, axis = "halves", "full scale", "frequency"
    frequency_hz = np.array([1000.0])

    def __init__(self, config):
        super().__init__()
        self.config = config

    def forward(self, waveform):
        gain = 2.0 if self.config.loud else 1.0
        return gain * torch.stack([half.mean(-1) for half in waveform.chunk(2, -1)], -1)[:, None, :, None]

    def time_s(self, frames):
        return np.arange(frames) * 2.5 + 1.25


def test_every_front_end_can_be_chosen_with_its_own_settings(clips, monkeypatch):
    module = SimpleNamespace(Halves=Halves, HalvesConfig=HalvesConfig)
    known = features.import_module
    monkeypatch.setattr(features, "import_module", lambda name: module if name == "made-up" else known(name))
    monkeypatch.setitem(FEATURES, "halves", FeatureEntry("mean of halves", "made-up", "Halves", "HalvesConfig"))
    explorer = ClipExplorer(clips)
    explorer.fields["bands"].value = 64
    explorer.feature.value = "halves"
    samples = explorer.controller.samples
    half = len(samples) // 2
    expected = [[samples[:half].mean()], [samples[half:].mean()]]
    np.testing.assert_allclose(explorer.controller.picture.values, expected, atol=1e-6)
    assert list(explorer.fields) == ["loud"]
    explorer.fields["loud"].value = True
    np.testing.assert_allclose(explorer.controller.picture.values, 2 * np.array(expected), atol=1e-6)
    explorer.feature.value = "logmel"
    assert explorer.canvas.shape == [251, 40]


@pytest.mark.parametrize("name", FEATURES)
def test_front_end_is_offered_and_painted_with_its_own_axis(explorer, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name in [value for _, value in explorer.feature.options]
    explorer.feature.value = name
    controller = explorer.controller
    assert controller.message == ""
    assert explorer.canvas.shape == list(controller.picture.values.shape)
    titles = {"mfcc": "Coefficient", "stack": "Row"}
    assert explorer.canvas.band_title == titles.get(name, "Frequency (Hz)")
    made: dict[str, object] = {}
    exec(controller.code(), made)
    np.testing.assert_array_equal(made["picture"].values, controller.picture.values)
    assert made["picture"].axis == controller.picture.axis


def test_front_ends_suit_a_dataset_of_a_low_rate(clips):
    explorer = ClipExplorer(dataclasses.replace(clips, sample_rate=8000))
    for name in FEATURES:
        explorer.feature.value = name
        assert explorer.controller.feature_name == name
        assert explorer.controller.message == ""
        assert explorer.controller.sample_rate == 8000


def test_unknown_dataset_and_feature_are_told():
    with pytest.raises(OptionError, match="feature nonsense"):
        ClipController("synth10:50", feature="nonsense")
    with pytest.raises((OptionError, DatasetError)):
        ClipController("no-such-dataset")


def test_waveform_appears_with_its_switch_and_follows_the_clip(explorer):
    assert explorer.wave.layout.display == "none"
    explorer.wave_toggle.value = True
    assert explorer.wave.layout.display == ""
    assert explorer.wave.time_range_s == explorer.canvas.time_range_s
    before = explorer.wave.highest
    explorer.next.click()
    samples = explorer.controller.samples
    assert explorer.wave.highest != before
    assert np.frombuffer(explorer.wave.highest, "<f4").max() == samples.max()
    assert explorer.wave.peak == pytest.approx(np.abs(samples).max())
    explorer.wave_toggle.value = False
    assert explorer.wave.layout.display == "none"


def test_envelope_keeps_every_peak():
    samples = np.zeros(1000)
    samples[[123, 777]] = 1.0, -2.0
    starts, lowest, highest = measure_envelope(samples, 10)
    assert starts.tolist() == list(range(0, 1000, 100))
    assert highest.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert lowest.tolist() == [0, 0, 0, 0, 0, 0, 0, -2, 0, 0]


def test_own_sound_is_chosen_when_it_comes_and_left_when_it_goes(explorer, clips):
    other = ClipExplorer(clips)
    first = other.controller.name
    explorer.class_choice.value = "dog"
    assert explorer.own.controller.keep("mine.wav", make_wav())
    assert explorer.controller.name == "mine.wav" == explorer.list.value
    assert explorer.class_choice.value == ""
    facts = dict(explorer.controller.facts())
    assert facts["Fold"] == "none: a sound of your own"
    assert "Class" not in facts
    assert "Licence" not in facts  # the dataset's is not that of a sound of one's own
    assert other.list.options[0] == ("mine.wav", "mine.wav")
    assert other.controller.name == first
    explorer.class_choice.value = "own"
    assert explorer.controller.names == ["mine.wav"]
    explorer.own.delete_button.click()
    explorer.own.yes_button.click()
    assert explorer.controller.names == []
    assert explorer.controller.picture is None
    assert "mine.wav" not in dict(other.list.options)


@pytest.mark.parametrize("own", [False, True])
def test_code_makes_the_same_picture(explorer, own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if own:
        explorer.own.controller.keep("it's <mine>.wav", make_wav())
    explorer.fields["bands"].value = 32
    made: dict[str, object] = {}
    exec(explorer.controller.code(), made)
    shown = explorer.controller.picture
    np.testing.assert_array_equal(made["picture"].values, shown.values)
    np.testing.assert_array_equal(made["picture"].frequency_hz, shown.frequency_hz)
    assert made["picture"].label == shown.label
    assert len(made["figure"].data) == (1 if own else 3)  # the events' outlines, white on black
    explorer.export_button.click()
    assert (tmp_path / "out" / "clips" / "clip.wav").read_bytes() == (tmp_path / "out" / "clip.wav").read_bytes()


def test_export_writes_the_spectrogram_with_its_code_events_and_sound(explorer, tmp_path):
    explorer.export_button.click()
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"clip.wav", *(f"spectrogram.{end}" for end in ("png", "svg", "pdf", "csv", "json"))}
    assert "Wrote 6 files" in explorer.status.value
    record = json.loads((tmp_path / "out" / "spectrogram.json").read_text("utf-8"))
    assert "build_feature" in record["how"]
    events = explorer.controller.info.events
    assert [one["onset_s"] for one in record["options"]["events"]] == pytest.approx(events["onset_s"].tolist())
    samples, rate = soundfile.read(tmp_path / "out" / "clip.wav")
    assert rate == explorer.controller.sample_rate
    np.testing.assert_allclose(samples, explorer.controller.samples, atol=1e-4)


def test_every_control_has_words_and_a_tooltip(explorer):
    controls = [explorer.class_choice, explorer.fold_choice, explorer.words, explorer.feature, explorer.list]
    controls += [explorer.previous, explorer.next, explorer.chance, explorer.wave_toggle, explorer.boxes]
    controls += [explorer.settings_toggle, explorer.own.toggle, *explorer.fields.values()]
    for control in controls:
        assert control.tooltip
        assert control is explorer.list or control.description
