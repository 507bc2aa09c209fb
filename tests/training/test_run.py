"""A run folder alone rebuilds its model, and anything damaged in it is told by name."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from esclab.errors import RunError
from esclab.training.run import Run, open_run

PREDICT = """
import sys
import numpy as np
from esclab.clips import load_dataset
from esclab.features.store import load_features
from esclab.training.run import open_run
import torch

run = open_run(sys.argv[1])
dataset = load_dataset(run.config.dataset)
features = load_features(dataset, run.build_feature(), duration_s=run.config.duration_s)
_, rows = dataset.split_fold(run.config.held_out)
with torch.no_grad():
    logits = run.load_model()(torch.from_numpy(features[rows].astype(np.float32)))
np.save(sys.argv[2], logits.double().softmax(1).numpy())
"""


@pytest.fixture
def copy(finished, tmp_path: Path) -> Run:
    """Return a finished run that a test may damage."""
    shutil.copytree(finished.run.path, tmp_path / "copy")
    return open_run(tmp_path / "copy")


def change_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def forge_weights(run: Run, weights: dict[str, torch.Tensor]) -> None:
    """Save other weights, and their digest as if they were the right ones."""
    save_file(weights, run.path / "weights.safetensors")
    digest = hashlib.sha256((run.path / "weights.safetensors").read_bytes()).hexdigest()
    change_json(run.path / "summary.json", weights_sha256=digest)


def test_run_folder_alone_rebuilds_its_model_in_a_fresh_process(copy, tmp_path):
    subprocess.run([sys.executable, "-c", PREDICT, str(copy.path), str(tmp_path / "again.npy")], check=True)
    stored = copy.read_predictions().probabilities
    np.testing.assert_allclose(np.load(tmp_path / "again.npy"), stored, atol=1e-5)
    assert np.ptp(stored, axis=0).max() > 1e-3  # clips are told apart, so equality says something


def test_opened_run_has_the_config_it_was_begun_with(finished):
    assert open_run(finished.run.path).config == finished.run.config
    assert open_run(str(finished.run.path)).label == "ts-cnn10 fold 1 seed 0"


def test_loaded_model_is_in_evaluation_mode_and_channels_last(finished):
    model = finished.run.load_model()
    assert not model.training
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in model.parameters() if w.dim() == 4)


def test_loading_a_model_leaves_the_callers_random_state_alone(finished):
    before = torch.get_rng_state()
    finished.run.load_model()
    assert torch.equal(torch.get_rng_state(), before)


def test_folder_without_a_config_is_no_run(tmp_path):
    with pytest.raises(RunError, match=r"config\.json is missing"):
        open_run(tmp_path)
    with pytest.raises(RunError, match="holds no run"):
        open_run(tmp_path / "nowhere")


def test_run_of_another_format_is_refused_with_the_version_that_reads_it(copy):
    change_json(copy.path / "config.json", format=2, versions={"esclab": "9.1"})
    with pytest.raises(RunError, match=r"format 2, this esclab reads format 1; use esclab 9\.1"):
        open_run(copy.path)


@pytest.mark.parametrize("text", ["", "{", '{"format": 1', "\x00\x01", "[]", "null", "3"])
def test_config_that_is_no_json_object_is_refused(copy, text):
    (copy.path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json"):
        open_run(copy.path)


def test_config_of_undecodable_bytes_is_refused(copy):
    (copy.path / "config.json").write_bytes(b'{"format": "\xff\xfe"}')
    with pytest.raises(RunError, match=r"config\.json"):
        open_run(copy.path)


@pytest.mark.parametrize("name", ["recipe", "class_names", "model", "seed", "duration_s"])
def test_config_without_a_field_is_refused_by_its_name(copy, name):
    values = json.loads((copy.path / "config.json").read_text())
    del values[name]
    (copy.path / "config.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match=name):
        open_run(copy.path)


@pytest.mark.parametrize("change", [{"recipe": "quick"}, {"recipe": None}, {"class_names": 3}, {"unknown_field": 1}])
def test_config_with_a_field_of_another_kind_is_refused(copy, change):
    change_json(copy.path / "config.json", **change)
    with pytest.raises(RunError, match=r"config\.json"):
        open_run(copy.path)


@pytest.mark.parametrize("file", ["weights.safetensors", "summary.json"])
def test_model_of_an_unfinished_run_is_refused_with_how_to_finish_it(copy, file):
    (copy.path / file).unlink()
    with pytest.raises(RunError, match=f"{file}: is missing; finish the run with: esclab resume"):
        copy.load_model()


@pytest.mark.parametrize(
    ("file", "read"), [("history.csv", Run.read_history), ("predictions.csv", Run.read_predictions)]
)
def test_missing_table_is_told_by_name(copy, file, read):
    (copy.path / file).unlink()
    with pytest.raises(RunError, match=f"{file}: is missing"):
        read(copy)


@pytest.mark.parametrize("text", ["", "clip,source\na,b\n", 'clip,"source\n', "a,b\n1,2,3\n4,5,6,7\n"])
def test_damaged_predictions_are_told_by_name(copy, text):
    (copy.path / "predictions.csv").write_text(text)
    with pytest.raises(RunError, match=r"predictions\.csv"):
        copy.read_predictions()


def test_empty_history_is_told_by_name(copy):
    (copy.path / "history.csv").write_text("")
    with pytest.raises(RunError, match=r"history\.csv"):
        copy.read_history()


@pytest.mark.parametrize("name", ["NA", "null", "007"])
def test_clip_keeps_its_name_whatever_it_is(copy, name):
    path = copy.path / "predictions.csv"
    first = str(copy.read_predictions().clips[0])
    path.write_text(path.read_text().replace(f"\n{first},", f"\n{name},", 1))
    assert copy.read_predictions().clips[0] == name


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_damaged_summary_is_told_by_name(copy, text):
    (copy.path / "summary.json").write_text(text)
    with pytest.raises(RunError, match=r"summary\.json"):
        copy.load_model()


def test_summary_without_a_digest_vouches_for_no_weights(copy):
    (copy.path / "summary.json").write_text("{}")
    with pytest.raises(RunError, match="holds other bytes than were saved"):
        copy.load_model()


@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_flipped_bit_in_the_weights_is_noticed(copy, place):
    path = copy.path / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match="holds other bytes than were saved"):
        copy.load_model()


def test_weights_cut_short_are_noticed(copy):
    path = copy.path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match="holds other bytes than were saved"):
        copy.load_model()


def test_weights_of_another_shape_are_refused_by_name(copy):
    weights = load_file(copy.path / "weights.safetensors")
    forge_weights(copy, {**weights, "fc1.bias": torch.zeros(3)})
    with pytest.raises(RunError, match=r"does not fit ts-cnn10 in fc1\.bias"):
        copy.load_model()


def test_missing_and_foreign_weights_are_refused_by_name(copy):
    weights = load_file(copy.path / "weights.safetensors")
    del weights["fc1.bias"]
    forge_weights(copy, {**weights, "fc9.bias": torch.zeros(3)})
    with pytest.raises(RunError, match=r"fc1\.bias, fc9\.bias"):
        copy.load_model()


def test_weights_that_are_not_numbers_are_refused_by_name(copy):
    weights = load_file(copy.path / "weights.safetensors")
    weights["fc1.weight"][0, 0] = float("nan")
    forge_weights(copy, weights)
    with pytest.raises(RunError, match=r"fc1\.weight"):
        copy.load_model()


def test_weights_file_of_another_kind_is_refused(copy):
    (copy.path / "weights.safetensors").write_bytes(b"PK\x03\x04 no safetensors")
    digest = hashlib.sha256((copy.path / "weights.safetensors").read_bytes()).hexdigest()
    change_json(copy.path / "summary.json", weights_sha256=digest)
    with pytest.raises(RunError, match=r"weights\.safetensors"):
        copy.load_model()
