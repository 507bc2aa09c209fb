"""The train explorer's code: the lines that train and draw the same without it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from esclab.widgets.train_form import TrainForm


def write_train_code(form: TrainForm, root: Path) -> str:
    """Return the lines that train what the form asks for, in the same folder."""
    recipe = f"find_recipe({form.recipe!r})"
    if form.all_changes:
        recipe = f"change_recipe({recipe}, {form.model!r}, {form.all_changes!r})"
    names = [*(["change_recipe"] if form.all_changes else []), "create_run", "run_folder", "train", "watch"]
    lines = ["from esclab.clips import load_dataset", "from esclab.papers import find_recipe"]
    lines.append(f"from esclab.training import {', '.join(names)}")
    held_out = f"fold={form.fold}, seed={form.seed}"
    if form.validate:
        lines.append("from esclab.training.crossval import validation_fold_of")
        held_out += f", validation_fold=validation_fold_of(dataset, {form.fold})"
    kept = ", keep_epochs=True" if form.keep_epochs else ""
    lines += [
        "",
        f"dataset = load_dataset({form.dataset!r})",
        f"recipe = {recipe}",
        f"folder = run_folder({str(root)!r}, {form.model!r}, dataset=dataset, recipe=recipe, {held_out})",
        *(['folder = folder.with_name(f"{folder.name}-epochs")'] if form.keep_epochs else []),
        f"run = create_run({form.model!r}, dataset, recipe, folder=folder, {held_out}{kept})",
        "for report in watch(train(run, dataset=dataset)):",
        "    pass",
    ]
    return "\n".join(lines) + "\n"


def write_curves_code(folders: Mapping[str, str], valid_name: str) -> str:
    """Return the lines that draw the learning curves of runs, by name and folder."""
    lines = [
        "",
        "from esclab.figures import draw",
        "from esclab.results import LearningResult",
        "from esclab.training import open_run",
        "",
        f"folders = {dict(folders)!r}",
        "histories = {name: open_run(folder).read_history() for name, folder in folders.items()}",
        f'figure = draw("learning", LearningResult(histories, {valid_name!r}))',
    ]
    return "\n".join(lines) + "\n"
