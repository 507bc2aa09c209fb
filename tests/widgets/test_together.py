"""What several widgets change within one answer leaves the kernel as one message."""

from __future__ import annotations

import threading

import pytest
from comm import DummyComm

from esclab.widgets.canvas import SoundCanvas
from esclab.widgets.together import send_together


class Wire(DummyComm):
    """A comm that keeps what is sent over it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[dict, list]] = []

    def send(self, data=None, metadata=None, buffers=None) -> None:
        self.sent.append((data, list(buffers or ())))


@pytest.fixture
def canvases():
    made = [SoundCanvas(), SoundCanvas()]
    for canvas in made:
        canvas.comm = Wire()
    return made


def messages(canvas: SoundCanvas) -> list[dict]:
    return [data for data, _ in canvas.comm.sent]


def test_changes_of_two_widgets_travel_in_one_message(canvases):
    leader, other = canvases
    with send_together(leader):
        leader.title = "one"
        other.title = "two"
        assert not messages(leader)
    assert not messages(other)
    (message,) = messages(leader)
    parts = message["content"]["parts"]
    assert message["content"]["type"] == "together"
    assert [part["model"] for part in parts] == [leader.model_id, other.model_id]
    assert [part["state"]["title"] for part in parts] == ["one", "two"]


def test_each_part_names_its_buffers_in_their_order(canvases):
    leader, other = canvases
    with send_together(leader):
        leader.time_strip = b"time"
        with other.hold_sync():
            other.overlay, other.band_strip = b"overlay", b"bands"
    ((message, buffers),) = leader.comm.sent
    names = [name for part in message["content"]["parts"] for name in part["paths"]]
    assert dict(zip(names, map(bytes, buffers), strict=True)) == {
        "time_strip": b"time", "overlay": b"overlay", "band_strip": b"bands",
    }  # fmt: skip


def test_nothing_changed_is_no_message(canvases):
    with send_together(canvases[0]):
        pass
    assert not messages(canvases[0])


def test_what_another_thread_changes_goes_its_own_way(canvases):
    leader, other = canvases
    with send_together(leader):
        thread = threading.Thread(target=setattr, args=(other, "title", "sounds are ready"))
        thread.start()
        thread.join()
        assert [message["method"] for message in messages(other)] == ["update"]
    assert not messages(leader)


def test_what_changed_before_an_error_is_sent(canvases):
    leader, other = canvases

    def fail_late() -> None:
        with send_together(leader):
            other.title = "two"
            raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        fail_late()
    assert [part["state"] for part in messages(leader)[0]["content"]["parts"]] == [{"title": "two"}]
