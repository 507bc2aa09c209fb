"""Time every front end against another library's way to the same picture, one clip of 5 s at a time.

By itself: `python -m benchmarks.features`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import librosa
import numpy as np
import pandas as pd
import torch
from nnAudio.features.gammatone import Gammatonegram
from torchaudio.compliance import kaldi

from esclab.features import FEATURES, build_feature

RATE, DURATION_S = 44_100, 5
FRAMES = {"n_fft": 2048, "hop_length": 512, "pad_mode": "constant"}
MEL = {"sr": RATE, "n_fft": 1764, "hop_length": 882, "n_mels": 40, "htk": True, "norm": None, "pad_mode": "constant"}


def bench_front_ends(repeats: int) -> list[dict[str, object]]:
    """Time one clip through each front end, and through librosa where it has the like, in turn."""
    from benchmarks.__main__ import describe, time_in_turn

    clip = (0.1 * np.random.default_rng(0).standard_normal(DURATION_S * RATE)).astype(np.float32)
    waveform = torch.from_numpy(clip)[None]
    others = _list_others(clip, waveform)
    rows = []
    for name in FEATURES:
        feature = build_feature(name, sample_rate=RATE)
        tasks: dict[str, Callable[[], object]] = {name: lambda feature=feature: feature(waveform)}
        other, task = others.get(name, ("", None))
        if task is not None:
            tasks[other] = task
        with torch.inference_mode():
            seconds = time_in_turn(tasks, repeats)
        rows.append(describe(f"front end: {name}", seconds[name], per=1))
        if other:
            ratio = statistics.median(seconds[other]) / statistics.median(seconds[name])
            rows.append(describe(f"  {other}: {ratio:.2g} times as long", seconds[other], per=1))
    return rows


def _list_others(clip: np.ndarray, waveform: torch.Tensor) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return by front end what else makes the like; librosa has neither gammatones nor Kaldi's filter bank."""
    gammatones = Gammatonegram(sr=RATE, n_bins=64, fmin=20.0, pad_mode="constant", verbose=False)
    rolled = {"sr": RATE, "n_mels": 64, "htk": True, "norm": None, **FRAMES}
    return {
        "logmel": ("librosa", lambda: librosa.power_to_db(librosa.feature.melspectrogram(y=clip, **MEL), top_db=None)),
        "mel": ("librosa", lambda: librosa.feature.melspectrogram(y=clip, **MEL)),
        "cqt": (
            "librosa",
            lambda: librosa.cqt(clip, sr=RATE, hop_length=512, fmin=220.0, n_bins=64, pad_mode="constant"),
        ),
        "gammatone": ("nnAudio", lambda: gammatones(waveform)),
        "mfcc": ("librosa", lambda: librosa.feature.mfcc(y=clip, n_mfcc=40, **rolled)),
        "fbank": ("torchaudio", lambda: kaldi.fbank(waveform, sample_frequency=RATE, num_mel_bins=80)),
        "spectrogram": ("librosa", lambda: librosa.power_to_db(np.abs(librosa.stft(clip, **FRAMES)) ** 2, top_db=None)),
    }


if __name__ == "__main__":
    print(pd.DataFrame(bench_front_ends(9)).to_string(index=False))
