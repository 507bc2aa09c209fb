"""Sounds of one's own in a real browser: upload, record, refuse, delete."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

CELL = 'from esclab.widgets.clip import ClipExplorer\nexplorer = ClipExplorer("synth10:50")\nexplorer'
NASTY = "<img src=x onerror=window.pwned=1>.wav"
# A microphone that hears 440 Hz.
TONE = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext();
    await context.resume();
    const [tone, end] = [context.createOscillator(), context.createMediaStreamDestination()];
    tone.connect(end);
    tone.start();
    return end.stream;
  };
}"""
REFUSE = "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', name); }; }"


def make_wav(seconds=0.5, rate=48_000):
    buffer = io.BytesIO()
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * rate))
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook(CELL)


@pytest.fixture
def panel(notebook):
    notebook.begin()
    notebook.page.get_by_role("button", name="Your own sounds").click()
    notebook.page.wait_for_selector(".esclab-recorder-choose")
    yield notebook
    notebook.check()


def upload(page, name, data):
    file = {"name": name, "mimeType": "audio/wav", "buffer": data}
    page.locator(".esclab-recorder input[type=file]").set_input_files(file)


def wait_for_title(page, start):
    page.wait_for_function(
        "start => document.querySelector('.esclab-sound-title').textContent.startsWith(start)", arg=start
    )


def wait_for_text(page, text):
    page.locator(".esclab-explorer").get_by_text(text).first.wait_for(timeout=10_000)


def delete_chosen(page):
    page.get_by_role("button", name="Delete").first.click()
    page.get_by_role("button", name="Delete it").click()
    wait_for_text(page, "Deleted ")


def test_uploaded_sound_becomes_a_clip_and_markup_in_its_name_stays_text(panel):
    page = panel.page
    upload(page, NASTY, make_wav())
    wait_for_text(page, f"Kept as {NASTY}")
    wait_for_title(page, NASTY)
    assert page.evaluate("() => window.pwned") is None
    assert page.locator(".esclab-explorer img").count() == 0
    panel.shoot("own-sounds-markup")
    delete_chosen(page)
    page.wait_for_function(
        "name => !document.querySelector('.esclab-sound-title').textContent.startsWith(name)", arg=NASTY
    )


def test_file_over_ten_megabytes_arrives(panel):
    # One message of this size would close the connection to Jupyter's server.
    page, data = panel.page, make_wav(seconds=130.0)
    assert len(data) > 12_000_000
    upload(page, "long.wav", data)
    wait_for_text(page, "Kept as long.wav")
    delete_chosen(page)


def test_no_audio_and_too_large_files_are_one_line(panel):
    page = panel.page
    upload(page, "notes.wav", b"Dear diary" * 100)
    wait_for_text(page, "notes.wav: ")
    upload(page, "empty.wav", b"")
    wait_for_text(page, "empty.wav: is empty")
    page.evaluate(
        """() => {
          const input = document.querySelector('.esclab-recorder input[type=file]');
          const held = new DataTransfer();
          held.items.add(new File([new Uint8Array(51e6)], 'large.wav'));
          input.files = held.files;
          input.dispatchEvent(new Event('change'));
        }"""
    )
    wait_for_text(page, "large.wav: has 51 MB, more than the 50 MB that are taken")


def test_recording_is_kept_as_the_sound_that_the_microphone_heard(panel, esclab_home):
    page = panel.page
    page.evaluate(TONE)
    page.locator(".esclab-recorder-record").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".esclab-recorder[data-state=recording]")
    page.wait_for_timeout(1200)
    panel.shoot("own-sounds-recording")
    assert page.evaluate("() => document.querySelector('.esclab-recorder meter').value") > -10
    page.keyboard.press("Enter")
    wait_for_text(page, "Kept as recording ")
    wait_for_title(page, "recording ")
    name = page.eval_on_selector(".esclab-sound-title", "title => title.firstChild.textContent")
    samples, rate = soundfile.read(Path(esclab_home) / "own" / name)
    spectrum = np.abs(np.fft.rfft(samples))
    assert samples.ndim == 1
    assert 0.5 < len(samples) / rate < 5
    assert spectrum.argmax() * rate / len(samples) == pytest.approx(440, abs=3)
    panel.shoot("own-sounds-recorded")
    delete_chosen(page)


def test_microphone_that_cannot_be_used_is_told(panel):
    page = panel.page
    for error, words in (
        ("NotAllowedError", "The microphone was refused."),
        ("NotFoundError", "No microphone is there."),
        ("NotReadableError", "in use by another program"),
        ("AbortError", "cannot be used (AbortError"),
    ):
        page.evaluate(REFUSE, error)
        page.locator(".esclab-recorder-record").click()
        wait_for_text(page, words)
        assert page.get_attribute(".esclab-recorder", "data-state") == "idle"
        assert page.get_attribute(".esclab-recorder-choose", "aria-disabled") == "false"
    page.evaluate("() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined, configurable: true })")
    page.locator(".esclab-recorder-record").click()
    wait_for_text(page, "This page may not record")
    page.evaluate("() => delete navigator.mediaDevices")
