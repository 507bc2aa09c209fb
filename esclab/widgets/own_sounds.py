"""Sounds of one's own: upload or record them, hear and delete them; every explorer offers them as clips."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
import pandas as pd

from esclab.clips import audio_info, read_audio
from esclab.clips.dataset import COLUMNS, ClipDataset
from esclab.errors import ClipError, printable
from esclab.widgets.canvas import to_wav
from esclab.widgets.controller import Controller
from esclab.widgets.explorer import STYLE, WIDE, make_button
from esclab.widgets.own_store import check_size
from esclab.widgets.recorder import LONGEST_RECORDING_S, SoundInput
from esclab.widgets.source import ClipSource

SHORTEST_RECORDING_S = 0.1
HEARD_S = 60.0


class OwnSoundsController(Controller):
    """Which sounds of one's own there are, which one is chosen, and whether its deletion is asked for.

    Parameters
    ----------
    source : ClipSource
    kept : callable, optional
        Called with the name of each new sound.
    """

    def __init__(self, source: ClipSource, *, kept: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self.source = source
        self.note = ""
        self.asked = False
        self._kept = kept
        self.names = source.list_own()
        self.chosen = self.names[0] if self.names else ""
        source.subscribe(self._list_again)

    def choose(self, name: str) -> None:
        """Choose one of the sounds; "" for none."""
        self.chosen, self.asked, self.note = name, False, ""
        self.notify()

    def begin(self, name: str, size: int) -> bool:
        """Tell whether a file of this name and size in bytes is wanted; else `message` says why not."""
        self.note = ""
        return self.attempt(lambda: check_size(name, size))

    def keep(self, name: str, data: bytes, *, recorded: bool = False) -> bool:
        """Keep a file's bytes as a sound, or tell in `message` why not."""

        def work() -> None:
            if recorded:
                check_recording(name, data)
            kept = self.source.add_own(name, data)
            self.chosen, self.asked = kept, False
            self.note = f"Kept as {printable(kept)}"
            self.notify()
            if self._kept is not None:
                self._kept(kept)

        self.note = ""
        return self.attempt(work)

    def ask_deletion(self) -> None:
        """Ask whether the chosen sound shall go."""
        self.asked, self.note = bool(self.chosen), ""
        self.notify()

    def keep_after_all(self) -> None:
        """Withdraw the question."""
        self.asked = False
        self.notify()

    def delete(self) -> None:
        """Delete the chosen sound, once that was asked.

        Raises
        ------
        StorageError
            When it cannot be deleted.
        """
        if not self.asked:
            return
        name, self.asked = self.chosen, False
        self.source.delete_own(name)
        self.note = f"Deleted {printable(name)}"
        self.notify()

    def read_wav(self) -> bytes:
        """Return the first minute of the chosen sound as a WAV file at its own rate.

        Raises
        ------
        ClipError
            When it cannot be read.
        OptionError
            When none is chosen.
        """
        path = self.source.locate_own(self.chosen)
        info = audio_info(path)
        samples = read_audio(path, sample_rate=info.sample_rate, duration_s=min(info.duration_s, HEARD_S))
        return to_wav(samples / max(1.0, float(np.abs(samples).max())), info.sample_rate)

    def _list_again(self) -> None:
        self.names = self.source.list_own()
        if self.chosen not in self.names:
            self.chosen = self.names[0] if self.names else ""
            self.asked = False
        self.notify()


class OwnSounds:
    """A panel to upload, record, hear and delete sounds of one's own; inside an explorer, or alone.

    Parameters
    ----------
    source : ClipSource, optional
        The explorer's; without one, the panel stands alone.
    kept : callable, optional
        Called with the name of each new sound, e.g. to choose it.
    folded : bool
        Whether a button shows and hides the panel, which is hidden first.
    use : str
        Label of a button that gives the chosen sound to `kept` again, for explorers whose lists have no own sounds.
    """

    def __init__(
        self,
        source: ClipSource | None = None,
        *,
        kept: Callable[[str], None] | None = None,
        folded: bool = False,
        use: str = "",
    ) -> None:
        self.controller = OwnSoundsController(source or build_empty_source(), kept=kept)
        self._shown: list[str] = []
        self._build_controls()
        self.use_button = make_button(use, "Ask about the chosen sound", icon="question")
        self.use_button.on_click(lambda _: kept(self.controller.chosen) if kept and self.controller.chosen else None)
        buttons = [*([self.use_button] if use else []), self.hear_button, self.delete_button]
        self.panel = widgets.VBox(
            [
                widgets.HTML(
                    "<span>Sounds stay on the machine that runs Python. Their beginning is used, as long as the "
                    "dataset's clips.</span>"
                ),
                self.input,
                widgets.HBox(
                    [self.list, *buttons],
                    layout=widgets.Layout(flex_flow="row wrap", width="100%"),
                ),
                self.question,
                self.player,
                self.status,
            ],
            layout=widgets.Layout(width="100%", padding="0 0 6px 0"),
        )
        self.toggle = widgets.ToggleButton(
            description="Your own sounds",
            tooltip="Show or hide: upload a recording, or record one",
            icon="microphone",
            layout=widgets.Layout(width="auto", align_self="flex-start"),
        )
        self.toggle.observe(lambda _: self._fold(), "value")
        self.view = widgets.VBox([self.toggle, self.panel] if folded else [self.panel], layout=WIDE)
        if folded:
            self._fold()
        self.controller.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Bring the view to the controller's state."""
        controller = self.controller
        options = [(printable(name), name) for name in controller.names] or [("none yet", "")]
        self._busy = True
        self.list.options = options
        self.list.value = controller.chosen
        self._busy = False
        for control in (self.list, self.use_button, self.hear_button, self.delete_button):
            control.disabled = not controller.names
        self.question.layout.display = "" if controller.asked else "none"
        self.sentence.value = f"Delete {html.escape(printable(controller.chosen))} for good?"
        if self._shown != [controller.chosen]:
            self.player.children = ()
        wrong = "&#9888; " if controller.message else ""
        text = html.escape(controller.message or controller.note)
        self.status.value = f"<span role='status'>{wrong}{text}</span>"

    def _build_controls(self) -> None:
        controller = self.controller
        self.input = SoundInput(
            controller.begin, lambda name, data, recorded: controller.keep(name, data, recorded=recorded)
        )
        self.list = widgets.Dropdown(
            description="Own sounds",
            tooltip="Sounds that were uploaded or recorded, newest first",
            style=STYLE,
            options=[("none yet", "")],
            layout=widgets.Layout(width="420px", max_width="100%"),
        )
        self.hear_button = make_button("Hear", "Play the chosen sound (its first minute)", icon="play")
        self.delete_button = make_button("Delete", "Delete the chosen sound; a question comes first", icon="trash")
        self.yes_button = make_button("Delete it", "Delete the sound for good", button_style="danger")
        self.no_button = make_button("Keep it", "Leave the sound where it is")
        self.sentence = widgets.HTML()
        self.question = widgets.HBox(
            [self.sentence, self.yes_button, self.no_button], layout=widgets.Layout(flex_flow="row wrap")
        )
        self.player = widgets.HBox([])  # holds the sound that is heard
        self.status = widgets.HTML(layout=widgets.Layout(min_height="1.6em"))
        self._busy = False
        self.list.observe(lambda change: self._choose(change["new"]), "value")
        self.hear_button.on_click(lambda _: controller.attempt(self._hear))
        self.delete_button.on_click(lambda _: self._ask())
        self.yes_button.on_click(lambda _: controller.attempt(controller.delete))
        self.no_button.on_click(lambda _: controller.keep_after_all())

    def _choose(self, name: str) -> None:
        if not self._busy:
            self.controller.choose(name)

    def _ask(self) -> None:
        self.controller.ask_deletion()
        self.no_button.focus()

    def _hear(self) -> None:
        self.player.children = (widgets.Audio(value=self.controller.read_wav(), autoplay=True, loop=False),)
        self._shown = [self.controller.chosen]

    def _fold(self) -> None:
        self.panel.layout.display = "" if self.toggle.value else "none"

    def _repr_mimebundle_(self, **options: object) -> object:
        return self.view._repr_mimebundle_(**options)


def build_empty_source() -> ClipSource:
    """Return a source of own sounds only."""
    table = pd.DataFrame({column: [] for column in COLUMNS})
    return ClipSource(ClipDataset("own", table, (), 5.0, 44_100, "none"))


def check_recording(name: str, data: bytes) -> None:
    """Raise ClipError where a recording holds nothing that can be heard."""
    import io

    import soundfile

    try:
        samples, sample_rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise ClipError(name, "the browser sent no sound", "record it again") from error
    if len(samples) < SHORTEST_RECORDING_S * sample_rate:
        raise ClipError(name, "is empty", "record again, and press Stop later")
    if len(samples) > (LONGEST_RECORDING_S + 1) * sample_rate:
        raise ClipError(name, f"is longer than {LONGEST_RECORDING_S:.0f} s", "record again, and press Stop earlier")
    if not np.any(samples):
        raise ClipError(name, "is silent throughout", "see whether the microphone is muted, and record again")
