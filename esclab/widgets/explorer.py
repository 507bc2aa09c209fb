"""The frame of every explorer's view: title, controls, one line for messages, export and code."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from esclab.widgets.controller import Controller
from esclab.widgets.keys import show_tooltips

STYLE = {"description_width": "90px"}
# A layout is a widget of its own. Kept as words, each control gets its own; one that is shared with the explorer of an
# earlier run of the cell is unknown to a page that was loaded anew, until the kernel has told it, and nothing is shown.
WIDE = {"width": "100%"}
# Margins come on top of a width of 100 %; without this the page would scroll sideways by them.
FIT = "<style>.esclab-explorer .widget-html { max-width: calc(100% - 2 * var(--jp-widgets-margin, 2px)); }</style>"


class Explorer:
    """A controller under a view; display it, or put its `view` into a layout of your own.

    A subclass builds its controls in `build` and repaints in `refresh`, which runs after each change.

    Parameters
    ----------
    controller : Controller
    title : str
    folder : str or Path
        Where "Export" writes.
    """

    def __init__(self, controller: Controller, *, title: str, folder: str | Path) -> None:
        self.controller = controller
        self.folder = Path(folder)
        self.status = widgets.HTML(layout=widgets.Layout(min_height="1.6em"))
        self.export_button = make_button("Export", "Write figures and data as files", icon="download")
        self.code_button = make_button("Code", "Show the code that makes the same result without the widget")
        self.code_box = widgets.HTML(layout=widgets.Layout(display="none"))
        self.export_button.on_click(lambda _: self._export())
        self.code_button.on_click(lambda _: self._toggle_code())
        heading = widgets.HTML(f"{FIT}<h3 style='margin:0'>{html.escape(title)}</h3>")
        footer = widgets.HBox([self.export_button, self.code_button, self.status], layout=WIDE)
        body = self.build()
        self.view = widgets.VBox([heading, *body, footer, self.code_box], layout=WIDE)
        self.view.add_class("esclab-explorer")
        show_tooltips(self.view)
        controller.subscribe(self._refresh)
        self._refresh()

    def build(self) -> Sequence[widgets.Widget]:
        """Return the controls and pictures, top to bottom."""
        raise TypeError(f"{type(self).__name__} does not define build")

    def refresh(self) -> None:
        """Bring the view to the controller's state."""

    def attempt(self, action: Callable[..., Any], *arguments: Any) -> None:
        """Do something with the controller; an error becomes the line of the status."""
        self.controller.attempt(lambda: action(*arguments))

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Show one line until the next action; markup in it is shown letter by letter."""
        if not wrong:
            self.controller.news = text
        sign = "&#9888; " if wrong else ""
        weight = "600" if wrong else "400"
        self.status.value = f"<span role='status' style='font-weight:{weight}'>{sign}{html.escape(text)}</span>"

    def _refresh(self) -> None:
        self.refresh()
        self.say(self.controller.message or self.controller.news, wrong=bool(self.controller.message))
        if self.code_box.layout.display != "none":
            self.code_box.value = write_code(self.controller.code())

    def _export(self) -> None:
        def write() -> None:
            paths = self.controller.export(self.folder)
            self.say(f"Wrote {len(paths)} files to {self.folder}")

        self.attempt(write)

    def _toggle_code(self) -> None:
        hidden = self.code_box.layout.display == "none"
        self.code_box.value = write_code(self.controller.code()) if hidden else ""
        self.code_box.layout.display = "" if hidden else "none"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


def make_button(label: str, tooltip: str, **settings: Any) -> widgets.Button:
    """Return a button with a tooltip, wide enough for its label."""
    layout = widgets.Layout(width="auto", min_width="70px")
    return widgets.Button(description=label, tooltip=tooltip, layout=layout, **settings)


def wrap_row(**settings: Any) -> widgets.Layout:
    """Return the layout of a row that breaks where it is too narrow."""
    return widgets.Layout(width="100%", flex_flow="row wrap", align_items="flex-start", grid_gap="4px 12px", **settings)


def write_code(code: str) -> str:
    """Return code as HTML in a box that can be selected and copied."""
    style = "padding:8px;margin:0;overflow-x:auto;background:var(--jp-layout-color2,#f5f5f5);color:inherit"
    return f"<pre style='{style}'>{html.escape(code)}</pre>"
