"""What all explorers have in common."""

from __future__ import annotations

import json
import re

import pytest
from ipywidgets.widgets.widget import _instances

from esclab.widgets import (
    AttributionExplorer,
    ClipExplorer,
    CompareExplorer,
    ConfusionExplorer,
    EmbeddingExplorer,
    NoiseExplorer,
    TrainExplorer,
)

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
