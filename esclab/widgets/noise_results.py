"""What the noise lab exports, and the code that makes it without the lab."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.results import AttentionResult, AttributionMap, AttributionResult, GalleryResult
from esclab.widgets.attribution_work import name_run
from esclab.widgets.edit import write_edit

if TYPE_CHECKING:
    from esclab.widgets.live import LiveModel
    from esclab.widgets.noise_controller import NoiseController

TIMES = {"clean": "_before", "changed": ""}


def gather_results(lab: NoiseController) -> dict[str, tuple[str, Any]]:
    """Return what the lab shows, as `Controller.results` does.

    Spectrograms, scores, heatmaps and attention before and after the change and, where measured, the sensitivity map.
    """
    pictures = {
        "clean": replace(lab.pictures["clean"], label="clean"),
        "changed": replace(lab.pictures["changed"], label=str(lab.edit)),
    }
    found: dict[str, tuple[str, Any]] = {
        "spectrograms": ("gallery", GalleryResult(tuple(pictures.values()), lab.clip.label)),
        "scores": ("score_change", lab.scores()),
    }
    times = TIMES if lab.samples["changed"] is not lab.samples["clean"] else {"changed": ""}
    for when, ending in times.items():
        maps = tuple(_list_maps(lab, when))
        found[f"heatmaps{ending}"] = ("attribution", AttributionResult(pictures[when], maps, lab.clip.events))
        for label, model in zip(lab.labels, lab.models, strict=True):
            attention = _attend(lab, model, lab.samples[when], label=pictures[when].label, name=label)
            if attention.layers:
                found[f"attention_{_name_file(label)}{ending}"] = ("attention", attention)
    if lab.sensitivity is not None:
        found["sensitivity"] = ("sensitivity", lab.sensitivity)
    return found


def write_extras(lab: NoiseController, folder: Path) -> list[Path]:
    """Write the sounds with one gain and, where some were kept, the tries; return the files."""
    from esclab.clips.write import write_sounds
    from esclab.storage import write_bytes

    sounds: dict[str | Path, np.ndarray] = {folder / f"{name}.wav": samples for name, samples in lab.sounds().items()}
    paths = write_sounds(sounds, lab.feature.config.sample_rate)
    if not lab.tries.empty:
        paths.append(write_bytes(folder / "tries.csv", lab.tries.to_csv(index=False, lineterminator="\n").encode()))
    return paths


def write_code(lab: NoiseController) -> str:
    """Return the lines that make the same change, the same scores and the same Grad-CAM."""
    edit, rate = lab.edit, lab.feature.config.sample_rate
    own = lab.clip.name in lab.source.list_own()
    where = str(lab.source.own_folder / lab.clip.name) if own else lab.clip.name
    asked = ", ".join(repr((name_run(model.run), _layer_of(lab, model))) for model in lab.models)
    return "\n".join(
        [
            "import torch",
            "from esclab.analysis.attention import transform_clip",
            "from esclab.analysis.attribution import attribute_clip",
            "from esclab.clips.pick import measure_part, pick_clip",
            "from esclab.figures import draw",
            "from esclab.noise import attenuate_region, inject_noise",
            "from esclab.results import AttributionResult, Region",
            "from esclab.training import find_run",
            "",
            f"clean, label = pick_clip({lab.source.dataset.name!r}, {where!r}, sample_rate={rate}, "
            f"duration_s={lab.duration_s!r})",
            f"heard_s = measure_part({lab.source.dataset.name!r}, {where!r}, duration_s={lab.duration_s!r}).heard_s",
            write_edit(edit, rate),
            "maps = []",
            f"for name, layer in [{asked}]:",
            "    run = find_run(name)",
            "    feature, model, names = run.build_feature(), run.load_model(), run.config.class_names",
            "    frames = run.count_own_frames(heard_s)",
            "    with torch.inference_mode():",
            "        scores = model(feature(torch.from_numpy(changed)[None])[:, :, :frames]).softmax(1)[0]",
            "    print(run.label, dict(zip(names, scores.tolist())))",
            "    maps.append(attribute_clip(",
            f'        model, feature, changed, method="gradcam", layer=layer, target={lab.target or None!r},',
            "        class_names=names, name=run.label, frames=frames,",
            "    ))",
            f"picture = transform_clip(changed, feature, label={str(edit)!r})",
            'figure = draw("attribution", AttributionResult(picture, tuple(maps)))',
        ]
    )


def _list_maps(lab: NoiseController, when: str) -> list[AttributionMap]:
    return [
        AttributionMap(
            answer.heatmap, "gradcam", _layer_of(lab, model), label,
            lab.class_names[answer.target], float(answer.probabilities[answer.target]),
        )
        for model, label, answer in zip(lab.models, lab.labels, lab.answers[when], strict=True)
    ]  # fmt: skip


def _layer_of(lab: NoiseController, model: LiveModel) -> str:
    """Return the layer of a network's heatmap: the chosen one where it has it, else its last."""
    return lab.layer if lab.layer in model.network.cam_layers else model.network.cam_layers[-1]


def _attend(lab: NoiseController, model: LiveModel, samples: Any, *, label: str, name: str) -> AttentionResult:
    """Return the gates that the lab draws; no layer where the network has none of that name."""
    from esclab.analysis.attention import attend_clip

    chosen = lab.attention_layer or next(iter(model.attention_layers), "")
    if chosen not in model.attention_layers:
        return AttentionResult(lab.pictures["clean"], (), name)
    frames = lab.count_frames(model)
    found = attend_clip(model.network, lab.feature, samples, label=label, name=name, frames=frames)
    return replace(found, layers=tuple(layer for layer in found.layers if layer.name == chosen))


def _name_file(label: str) -> str:
    return re.sub(r"[^\w+.-]+", "-", label).strip("-.")
