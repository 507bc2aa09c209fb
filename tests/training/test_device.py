from __future__ import annotations

import pytest
import torch

from esclab.training.device import choose_device, choose_precision, name_device


@pytest.mark.parametrize(
    ("bf16", "amx", "precision"),
    [(False, False, "32-true"), (True, False, "bf16-mixed"), (False, True, "bf16-mixed")],
)
def test_processor_with_fast_bfloat16_trains_in_mixed_precision(monkeypatch, bf16, amx, precision):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert choose_precision("cpu") == precision
    assert choose_precision("mps") == "32-true"


def test_older_torch_that_cannot_tell_trains_in_single_precision(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert choose_precision("cpu") == "32-true"


@pytest.mark.parametrize(
    ("cuda", "mps", "device"),
    [(True, False, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, True, "cuda")],
)
def test_fastest_device_is_chosen(monkeypatch, cuda, mps, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device() == device


def test_processor_is_named():
    assert name_device("cpu").startswith("cpu ")
    assert len(name_device("cpu")) > len("cpu ")
