"""What all explorers have in common."""

from __future__ import annotations

import json
import re

import pytest
from ipywidgets import Text, VBox
from ipywidgets.widgets.widget import _instances
from ipywidgets.widgets.widget_description import DescriptionWidget

from esclab.widgets import (
    AttributionExplorer,
    ClipExplorer,
    CompareExplorer,
    ConfusionExplorer,
    EmbeddingExplorer,
    NoiseExplorer,
    TrainExplorer,
)
from esclab.widgets.keys import ExplorerKeys

EXPLORERS = {
    "attribution": lambda runs, clips, root: AttributionExplorer(runs[:1], clips),
    "clip": lambda runs, clips, root: ClipExplorer(clips),
    "compare": lambda runs, clips, root: CompareExplorer(runs),
    "confusion": lambda runs, clips, root: ConfusionExplorer(runs, clips),
    "embedding": lambda runs, clips, root: EmbeddingExplorer(runs, clips),
    "noise": lambda runs, clips, root: NoiseExplorer(runs[:1], clips),
    "train": lambda runs, clips, root: TrainExplorer(clips, root=root),
}


def list_named(widgets):
    """Return the ids of all widgets that the states of these name."""
    states = (json.dumps(widget.get_state(), default=str) for widget in widgets)
    return {name for state in states for name in re.findall("IPY_MODEL_([0-9a-f]+)", state)}


def walk(widget):
    """Yield a widget and all below it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


@pytest.mark.parametrize("name", EXPLORERS)
def test_explorer_of_a_cell_that_is_run_again_needs_no_widget_of_the_first(name, tiny_runs, clips, tmp_path):
    # A page that was loaded anew does not know the first one's, and would show nothing.
    EXPLORERS[name](tiny_runs, clips, tmp_path)
    before = set(_instances)
    EXPLORERS[name](tiny_runs, clips, tmp_path)
    made = set(_instances) - before
    named = list_named([_instances[key] for key in made])
    assert len(made) > 20
    assert named
    assert named <= made


def test_first_export_after_an_error_tells_what_it_wrote(tiny_runs, clips, tmp_path):
    explorer = NoiseExplorer(tiny_runs[:1], clips, folder=tmp_path / "out")
    explorer.attempt(explorer.controller.choose_clip, "no such clip")
    assert "no such clip" in explorer.status.value
    explorer.export_button.click()
    assert "Wrote" in explorer.status.value
    explorer.snr_slider.value = 3
    assert "Wrote" not in explorer.status.value


@pytest.mark.parametrize("name", EXPLORERS)
def test_keys_of_every_explorer_know_its_controls(name, tiny_runs, clips, tmp_path):
    explorer = EXPLORERS[name](tiny_runs, clips, tmp_path)
    parts = list(walk(explorer.view))
    keys = next(part for part in parts if isinstance(part, ExplorerKeys))
    controls = {part.model_id for part in parts if isinstance(part, DescriptionWidget) and part.description}
    assert set(keys.controls) == controls
    assert len(controls) > 2


def test_keys_know_controls_that_come_later(tiny_runs, clips, tmp_path):
    explorer = NoiseExplorer(tiny_runs[:1], clips, folder=tmp_path / "out")
    box, late = VBox(), Text(description="Late", tooltip="It came late")
    explorer.view.children = (*explorer.view.children, box)
    box.children = (late,)
    assert late.model_id in explorer.keys.controls
