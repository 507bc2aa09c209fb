"""The train explorer's controls: one for each setting, with the recipe's and the papers' values beside it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from esclab.widgets.explorer import STYLE
from esclab.widgets.train_form import SETTINGS, TrainForm, list_choices, list_papers, tell_setting

CONTROL = {"width": "210px"}
ROW = {"width": "530px", "align_items": "center"}


class SettingControls:
    """A control for each setting of a recipe; changed ones are marked by a word, not by colour alone.

    Parameters
    ----------
    form : TrainForm
        Whose values they begin with.
    changed : callable
        Called with a setting's name and value when it changes, by a person or by `refresh`.
    """

    def __init__(self, form: TrainForm, changed: Callable[[str, Any], None]) -> None:
        self.controls: dict[str, Any] = {}
        self.notes: dict[str, widgets.HTML] = {}
        rows = []
        for name in SETTINGS:
            self.controls[name] = _build_control(name, form.read_value(name))
            self.controls[name].observe(lambda change, name=name: changed(name, change["new"]), "value")
            self.notes[name] = widgets.HTML(layout=widgets.Layout(flex="1 1 auto", margin="0 0 0 8px"))
            rows.append(widgets.HBox([self.controls[name], self.notes[name]], layout=ROW))
        self.box = widgets.HBox(rows, layout=widgets.Layout(flex_flow="row wrap", width="100%"))

    def refresh(self, form: TrainForm) -> None:
        """Bring values and notes to a form's."""
        for name, control in self.controls.items():
            value = form.read_value(name)
            control.disabled = value is None  # a network without this setting
            if value is not None:
                control.value = value
            mark = "<b>changed</b>; " if name in form.changes else ""
            control.tooltip = f"{SETTINGS[name][1]}. {list_papers(name, form.model)}"
            told = "" if value is None else html.escape(tell_setting(name, form.recipe, form.model))
            self.notes[name].value = f"<span style='font-size:0.92em'>{mark}{told}</span>"


def _build_control(name: str, value: Any) -> Any:
    label, tooltip = SETTINGS[name]
    settings = {"description": label, "tooltip": tooltip, "style": STYLE, "layout": CONTROL}
    if choices := list_choices(name):
        return widgets.Dropdown(options=choices, value=value, **settings)
    if isinstance(value, bool):
        return widgets.Checkbox(value=value, indent=True, **settings)
    if isinstance(value, int):
        return widgets.IntText(value=value, continuous_update=False, **settings)
    return widgets.FloatText(value=value if value is not None else 0.0, continuous_update=False, **settings)
