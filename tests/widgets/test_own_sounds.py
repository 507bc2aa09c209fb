from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from esclab.widgets.own_sounds import OwnSounds, OwnSoundsController
from esclab.widgets.own_store import MOST_BYTES
from esclab.widgets.source import ClipSource

NASTY = "<script>alert(1)<img src=x onerror=alert(2)>.wav"


def make_wav(level=0.5, *, seconds=0.2, rate=8000):
    buffer = io.BytesIO()
    samples = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


@pytest.fixture
def panel(tmp_path, monkeypatch):
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "own"))
    panel = OwnSounds()
    panel.answers = []
    panel.input.send = lambda content, buffers=None: panel.answers.append(content["type"])
    return panel


def send(panel, name, data, *, recorded=False, part=1000):
    """Send a file as the browser does: piece after piece, each once it is asked for."""
    panel.input.receive({"type": "begin", "name": name, "size": len(data), "recorded": recorded}, [])
    for at in range(0, len(data), part):
        if panel.answers[-1] != "next":
            break
        panel.input.receive({"type": "part"}, [memoryview(data[at : at + part])])
    return panel.answers[-1]


def test_uploaded_file_arrives_whole_and_is_chosen(panel):
    data = make_wav()
    assert send(panel, "dog.wav", data) == "done"
    assert panel.answers == ["next"] * 4 + ["done"]  # 3244 bytes in pieces of 1000
    assert (panel.controller.source.own_folder / "dog.wav").read_bytes() == data
    assert panel.list.value == "dog.wav"
    assert "Kept as dog.wav" in panel.status.value


def test_no_audio_is_one_line_in_the_panel(panel):
    assert send(panel, "notes.txt", b"Dear diary") == "refused"
    assert panel.controller.message.startswith("notes.txt: ")
    assert "notes.txt" in panel.status.value
    assert "Traceback" not in panel.status.value
    assert panel.controller.names == []
    assert panel.list.disabled
    assert send(panel, "dog.wav", make_wav()) == "done"
    assert "notes.txt" not in panel.status.value


def test_too_large_file_is_refused_before_it_is_sent(panel):
    panel.input.receive({"type": "begin", "name": "long.wav", "size": MOST_BYTES + 10**6}, [])
    assert panel.answers == ["refused"]
    assert "long.wav: has 51 MB, more than the 50 MB that are taken" in panel.status.value
    panel.input.receive({"type": "part"}, [b"not asked for"])
    assert panel.answers == ["refused"]


def test_more_bytes_than_announced_are_not_kept(panel):
    panel.input.receive({"type": "begin", "name": "a.wav", "size": 10}, [])
    panel.input.receive({"type": "part"}, [make_wav()])
    assert panel.answers == ["next", "refused"]
    assert panel.controller.names == []


def test_cancelled_upload_keeps_nothing(panel):
    panel.input.receive({"type": "begin", "name": "a.wav", "size": 2000}, [])
    panel.input.receive({"type": "part"}, [bytes(1000)])
    panel.input.receive({"type": "cancel"}, [])
    panel.input.receive({"type": "part"}, [bytes(1000)])
    assert panel.answers == ["next", "next"]
    assert panel.controller.names == []


def test_name_with_markup_is_shown_letter_by_letter(panel):
    assert send(panel, NASTY, make_wav()) == "done"
    panel.delete_button.click()
    assert panel.list.options == ((NASTY, NASTY),)
    for shown in (panel.status.value, panel.sentence.value):
        assert "<script" not in shown
        assert "<img" not in shown
    assert "&lt;script&gt;alert(1)" in panel.sentence.value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (make_wav(seconds=0.0), "is empty"),
        (make_wav(seconds=0.05), "is empty"),
        (make_wav(level=0.0, seconds=1.0), "is silent throughout"),
        (make_wav(seconds=62.0), "is longer than 60 s"),
        (b"RIFF....", "sent no sound"),
    ],
)
def test_recording_without_sound_is_refused_with_what_to_do(panel, data, words):
    assert send(panel, "recording.wav", data, recorded=True, part=10**6) == "refused"
    assert words in panel.controller.message
    assert panel.controller.names == []


def test_recording_is_kept_like_a_file(panel):
    assert send(panel, "recording.wav", make_wav(), recorded=True) == "done"
    assert panel.controller.names == ["recording.wav"]


def test_deletion_happens_only_once_it_is_confirmed(panel):
    send(panel, "a.wav", make_wav())
    assert panel.question.layout.display == "none"
    panel.delete_button.click()
    assert panel.question.layout.display == ""
    panel.no_button.click()
    assert panel.question.layout.display == "none"
    assert panel.controller.names == ["a.wav"]
    panel.yes_button.click()  # cannot be reached, and does nothing, without the question
    assert panel.controller.names == ["a.wav"]
    panel.delete_button.click()
    panel.yes_button.click()
    assert panel.controller.names == []
    assert panel.list.disabled
    assert "Deleted a.wav" in panel.status.value


def test_question_goes_when_another_sound_is_chosen(panel):
    send(panel, "a.wav", make_wav())
    send(panel, "b.wav", make_wav())
    panel.delete_button.click()
    panel.list.value = "a.wav"
    assert not panel.controller.asked
    panel.yes_button.click()
    assert sorted(panel.controller.names) == ["a.wav", "b.wav"]


def test_chosen_sound_is_heard_as_wav(panel):
    send(panel, "a.wav", make_wav(0.5))
    panel.hear_button.click()
    samples, rate = soundfile.read(io.BytesIO(bytes(panel.player.children[0].value)))
    assert rate == 8000
    assert len(samples) == 1600
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)
    assert len(panel.player.children) == 1
    send(panel, "b.wav", make_wav())
    assert panel.player.children == ()  # it would be the wrong sound


def test_sound_that_another_program_damaged_is_one_line(panel):
    send(panel, "a.wav", make_wav())
    (panel.controller.source.own_folder / "a.wav").write_bytes(b"nothing")
    panel.hear_button.click()
    assert "a.wav" in panel.controller.message
    assert panel.player.children == ()


def test_two_panels_list_the_same_sounds(panel):
    told = []
    other = OwnSoundsController(panel.controller.source, kept=told.append)
    send(panel, "a.wav", make_wav())
    assert other.names == ["a.wav"]
    assert told == []
    assert other.keep("b.wav", make_wav())
    assert told == ["b.wav"]
    assert [value for _, value in panel.list.options] == other.names


def test_folded_panel_opens_with_its_button(tmp_path, monkeypatch):
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "own"))
    panel = OwnSounds(folded=True)
    assert panel.panel.layout.display == "none"
    panel.toggle.value = True
    assert panel.panel.layout.display == ""
