"""What the explorers and the trust table do with a network, for every kind of network in `MODELS`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from esclab.analysis.attribution import METHODS, attribute, methods_for
from esclab.analysis.faithfulness import predict_classes
from esclab.analysis.randomisation import randomise_weights
from esclab.analysis.trust_scores import MEASURES, Batch, score_batch
from esclab.models import MODELS, build_model, model_options
from esclab.models.base import SoundClassifier

FRAMES, BANDS = 32, 24
KINDS = {(entry.module, entry.builder, frozenset(entry.settings)): name for name, entry in reversed(MODELS.items())}
"""The first network of each kind: others of one builder that differ in the value of a setting alone are variants."""


@pytest.fixture(params=reversed(KINDS.values()), scope="module")
def model(request) -> SoundClassifier:
    """Return a narrow network that has seen one batch, so that its layers' outputs differ, in evaluation mode."""
    torch.manual_seed(0)
    settings = {"width": 0.25} if "width" in model_options(request.param) else {}
    made = build_model(request.param, classes=3, bands=BANDS, **settings)
    norms = [module for module in made.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        made(torch.randn(8, 1, FRAMES, BANDS))
    return made.eval()


def make_clips(count: int) -> torch.Tensor:
    return torch.randn(count, 1, FRAMES, BANDS, generator=torch.Generator().manual_seed(1))


def test_fast_methods_map_the_clip_on_its_own_cells(model):
    methods = [name for name in methods_for(model) if not METHODS[name].slow]
    assert {"gradcam", "gradcam++", "layercam", "eigencam", "saliency"} <= set(methods)
    for method in methods:
        maps = attribute(model, make_clips(1), method=method)
        assert maps.shape == (1, FRAMES, BANDS), method
        assert np.isfinite(maps).all(), method
        assert METHODS[method].signed or maps.min() >= 0, method
    assert np.ptp(attribute(model, make_clips(1), method="saliency")) > 0


def test_trust_table_scores_a_batch_beside_random_weights(model):
    features, fresh = make_clips(2), randomise_weights(model, seed=1)
    with torch.inference_mode():
        logits, others = model(features), fresh(features)
    assert others.isfinite().all()
    assert not torch.allclose(logits, others)
    batch = Batch(
        features=features,
        targets=predict_classes(model, features),
        folds=np.ones(2, dtype=int),
        sources=np.array(["a", "b"]),
        masks=None,
    )
    methods = [name for name in ("gradcam", "attention") if name in methods_for(model)]
    scored = dict(score_batch(model, fresh, batch, methods=methods, steps=1))
    assert list(scored) == methods
    for scores in scored.values():
        for measure, *_ in MEASURES[3:]:  # the first three need events
            assert scores[measure].shape == (2,)
            low = -1 if measure == "randomisation" else 0
            assert ((low - 1e-6 <= scores[measure]) & (scores[measure] <= 1 + 1e-6)).all(), measure
