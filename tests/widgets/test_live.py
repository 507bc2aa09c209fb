"""The live answer of every network in `MODELS`: what the noise lab shows of it, in one pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from esclab.models import MODELS, build_model, model_options
from esclab.training.run import Run
from esclab.widgets.live import LiveModel

FRAMES, BANDS = 51, 40


class DrawnRun(Run):
    """A run whose network has the weights that its seed draws."""

    def load_model(self):
        torch.manual_seed(0)
        settings = {"width": 0.25} if "width" in model_options(self.path.name) else {}
        model = build_model(self.path.name, classes=len(self.config.class_names), bands=BANDS, **settings)
        return model.eval().to(memory_format=torch.channels_last)


@pytest.fixture(params=MODELS)
def live(request, tiny_runs, tmp_path):
    return LiveModel(DrawnRun(tmp_path / request.param, tiny_runs[0].config))


def test_every_network_answers_with_scores_heatmap_and_its_gates(live):
    features = np.random.default_rng(0).normal(size=(FRAMES, BANDS)).astype(np.float32)
    answer = live.answer(features)
    assert answer.probabilities.sum() == pytest.approx(1)
    assert answer.heatmap.shape == (FRAMES, BANDS)
    assert np.isfinite(answer.heatmap).all()
    for strip in (answer.temporal, answer.spectral):
        assert strip is None or np.isfinite(strip).all()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=live.precision == "bf16-mixed"):
        logits = live.run.load_model()(torch.from_numpy(features)[None, None])
    np.testing.assert_allclose(logits.float().softmax(1)[0], answer.probabilities, atol=1e-6)
