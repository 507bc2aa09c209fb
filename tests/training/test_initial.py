"""Runs that begin with weights from elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, load_file, save_file

from esclab.errors import OptionError, RunError
from esclab.training.initial import describe_report, find_weights, set_initial, take_weights
from esclab.training.ledger import describe_run, digest_recipe
from esclab.training.loop import train
from esclab.training.run import open_run


@pytest.fixture
def weights(begin, tmp_path):
    """Return a file in PANNs' names with the first two blocks of a network like the tiny run's, and its tensors."""
    values = begin(folder=tmp_path / "donor").build_model().state_dict()
    theirs = {
        name.replace("block", "conv_block"): torch.full_like(value.float(), 0.01)
        for name, value in values.items()
        if name.startswith(("block1.conv", "block2.conv"))
    }
    save_file(theirs | {"fc_audioset.weight": torch.zeros(527, 128)}, tmp_path / "theirs.safetensors")
    return tmp_path / "theirs.safetensors"


def test_run_keeps_what_fitted_of_its_first_weights(begin, weights):
    run = begin(weights=weights)
    kept = load_file(run.path / "initial.safetensors")
    names = {f"block{block}.conv{number}.weight" for block in (1, 2) for number in (1, 2)}
    assert set(kept) == names
    assert all(value.eq(0.01).all() for value in kept.values())
    assert run.config.initial_from == "theirs.safetensors"
    assert len(run.config.initial_weights) == 64
    assert open_run(run.path) == run
    report = json.loads((run.path / "initial.json").read_text("utf-8"))
    assert set(report["fitted"]) == names
    assert report["unexpected"] == ["fc_audioset.weight"]
    lines = describe_report(report)
    assert lines[0] == "4 weights fitted (panns names)"
    assert lines[-1] == "in the file only: fc_audioset.weight"


def test_training_begins_with_the_first_weights(begin, weights, clips, tiny):
    recipe = replace(tiny, learning_rate=1e-12, weight_decay=0.0)
    run = begin(recipe=recipe, weights=weights)
    for _ in train(run, dataset=clips):
        pass
    trained = run.load_model().state_dict()
    assert torch.allclose(trained["block2.conv1.weight"], torch.tensor(0.01), atol=1e-6)
    assert not torch.allclose(trained["block3.conv1.weight"], torch.tensor(0.01), atol=1e-6)
    scratch = begin(recipe=recipe)
    set_initial(scratch, network := scratch.build_model())
    assert not network.state_dict()["block2.conv1.weight"].eq(0.01).any()


def test_training_stopped_and_resumed_ends_with_the_same_bits_without_the_file(begin, weights, clips):
    whole, broken = begin(weights=weights), begin(weights=weights)
    weights.unlink()
    for _ in train(whole, dataset=clips):
        pass
    reports = train(broken, dataset=clips)
    next(reports)
    reports.close()
    for _ in train(open_run(broken.path), dataset=clips):
        pass
    assert broken.summary["weights_sha256"] == whole.summary["weights_sha256"]


def test_first_weights_that_were_changed_are_refused(begin, weights, clips):
    run = begin(weights=weights)
    (run.path / "initial.safetensors").write_bytes(b"other")
    with pytest.raises(RunError, match="holds other bytes than at the start"):
        next(train(run, dataset=clips))


def test_run_from_scratch_is_not_the_run_with_first_weights(begin, weights):
    run = begin(weights=weights)
    assert begin(weights=weights, folder=run.path) == run
    with pytest.raises(RunError, match="holds a run with another initial_weights;"):
        begin(folder=run.path)
    assert begin().config.initial_weights == ""


def test_ledger_tells_runs_with_first_weights_from_those_without(finished):
    other = replace(
        finished.run,
        config=replace(finished.run.config, initial_from="Cnn10.pth", initial_weights="0" * 64),
    )
    assert digest_recipe(other) != digest_recipe(finished.run)
    scores = dict.fromkeys(("accuracy", "uar", "log_loss", "ece"), 0.5)
    assert describe_run(finished.run, scores)["recipe"] == finished.run.config.recipe.name
    assert describe_run(other, scores)["recipe"] == f"{finished.run.config.recipe.name} from Cnn10.pth"


def test_run_saved_before_first_weights_were_known_still_opens(begin):
    run = begin()
    values = json.loads((run.path / "config.json").read_text("utf-8"))
    del values["initial_from"], values["initial_weights"]
    (run.path / "config.json").write_text(json.dumps(values), "utf-8")
    assert open_run(run.path) == run


def test_a_run_gives_its_head_to_one_on_the_same_dataset(begin, finished):
    run = begin("ts-cnn10", weights=finished.run.path)
    kept = load_file(run.path / "initial.safetensors")
    assert torch.equal(kept["classifier.weight"], finished.run.load_model().classifier.weight)
    assert run.config.initial_from == "run ts-cnn10 on synth10:50 fold 1 seed 0"
    same = begin("ts-cnn10", weights=finished.run.path / "weights.safetensors")
    assert (same.config.initial_from, same.config.initial_weights) == (
        run.config.initial_from,
        run.config.initial_weights,
    )


@pytest.mark.parametrize(("dataset", "kept"), [("synth10", True), ("synth10:50@leaky", True), ("esc10", False)])
def test_head_is_drawn_anew_for_another_dataset_with_the_same_classes(finished, dataset, kept):
    run = replace(finished.run, config=replace(finished.run.config, dataset=dataset))
    content, report = take_weights(run, finished.run.path)
    assert ("classifier.weight" in load(content)) == kept
    assert ("classifier.weight" in report.missing) != kept
    assert "block1.conv1.weight" in load(content)


def test_weights_that_fit_nowhere_are_refused_before_anything_is_written(begin, tmp_path):
    save_file({"resnet.layer1.0.conv1.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(OptionError, match=r"fit cnn10 nowhere \(they hold resnet\.layer1"):
        begin(folder=tmp_path / "new", weights=tmp_path / "other.safetensors")
    assert not (tmp_path / "new").exists()


def test_weights_of_another_width_fit_nowhere_although_their_counters_do(begin, tmp_path):
    narrow = {name: value.flatten()[:1] for name, value in begin().build_model().state_dict().items() if value.ndim}
    counters = {"bn0.num_batches_tracked": torch.tensor(3)}
    save_file(narrow | counters, tmp_path / "narrow.safetensors")
    with pytest.raises(OptionError, match=r"fit cnn10 nowhere \(.* has shape \(1,\), not .*: another width\?\); give"):
        begin(folder=tmp_path / "new", weights=tmp_path / "narrow.safetensors")
    assert not (tmp_path / "new").exists()


def test_words_that_are_neither_file_nor_run_are_refused(begin, tmp_path):
    with pytest.raises(OptionError, match=r"weights nowhere: are neither a file nor a run; give a \.safetensors"):
        begin(weights="nowhere", folder=tmp_path / "new")
    with pytest.raises(OptionError, match="are of an unfinished run; finish it with: esclab resume"):
        find_weights(begin().path)
    assert find_weights("cnn10-synth10").name == "weights.safetensors"
