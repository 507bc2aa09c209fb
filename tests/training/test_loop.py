from __future__ import annotations

import logging
import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from esclab.errors import RunError, TrainingError
from esclab.training import device, loop
from esclab.training.lock import LOCK_NAME
from esclab.training.loop import train
from esclab.training.run import Run
from esclab.training.start import create_run


def finish(run: Run, **settings: object) -> Run:
    for _ in train(run, **settings):
        pass
    return run


def weights_of(run: Run) -> str:
    return run.summary["weights_sha256"]


def test_train_reports_each_epoch_and_its_last_learning_rate(finished, tiny):
    reports = finished.reports
    assert [(r.epoch, r.iteration, r.iterations) for r in reports] == [(1, 5, 6), (2, 6, 6)]
    assert [r.learning_rate for r in reports] == [tiny.learning_rate_at(4), tiny.learning_rate_at(5)]
    assert all(0 <= r.train_accuracy <= 1 and r.train_loss > 0 for r in reports)
    assert reports[0].seconds < reports[1].seconds
    assert reports[0].seconds_left == pytest.approx(reports[0].seconds / 5)
    assert reports[1].seconds_left == 0
    assert set(reports[1].mixtures) == {"block1", "block2", "block3", "block4"}
    assert sum(reports[1].mixtures["block1"].values()) == pytest.approx(1)


def test_train_writes_its_reports_as_the_history(finished):
    history = finished.run.read_history()
    assert history["train_loss"].tolist() == pytest.approx([r.train_loss for r in finished.reports])
    assert history["valid_accuracy"].tolist() == pytest.approx([r.valid_accuracy for r in finished.reports])
    assert history["block1_alpha"].tolist() == pytest.approx([r.mixtures["block1"]["alpha"] for r in finished.reports])


def test_finished_run_keeps_its_files_and_no_checkpoint(finished):
    names = {path.name for path in finished.run.path.iterdir()}
    assert names == {"config.json", "history.csv", "weights.safetensors", "predictions.csv", "summary.json", "epochs"}
    assert finished.run.summary["iterations"] == 6
    assert finished.run.summary["accuracy"] == finished.reports[-1].valid_accuracy


def test_finished_run_trains_no_further(finished):
    assert list(train(finished.run)) == []


def test_last_iteration_may_end_an_epoch_early_or_not(begin, tiny, clips):
    exact = [r.iteration for r in train(begin(recipe=replace(tiny, iterations=5)), dataset=clips)]
    early = [r.iteration for r in train(begin(recipe=replace(tiny, iterations=3)), dataset=clips)]
    assert (exact, early) == ([5], [3])


def test_training_learns_classes_that_are_easy_to_tell(begin, tiny, clips, change_features):
    classes = clips.table["class_index"].to_numpy()
    patterns = 20.0 * np.eye(10).repeat(4, axis=1)  # each class has four loud bands of its own
    change_features(np.arange(len(clips)), patterns[classes][:, None, None, :])
    recipe = replace(tiny, iterations=60, mixup_alpha=0.0, masks=0, roll=False, learning_rate=0.01)
    *_, last = train(begin(recipe=recipe), dataset=clips)
    assert last.train_loss < 0.5 * math.log(10)
    assert last.valid_accuracy > 0.7


@pytest.mark.parametrize(("precision", "kind"), [("bf16-mixed", torch.bfloat16), ("32-true", torch.float32)])
def test_every_step_is_computed_in_the_precision_that_the_run_records(begin, clips, monkeypatch, precision, kind):
    monkeypatch.setattr(device, "choose_precision", lambda _: precision)
    run, outputs, weights = begin(), set(), set()

    def note(module, _, output):
        if isinstance(module, torch.nn.Conv2d) and module.training:
            outputs.add(output.dtype)
            weights.add(module.weight.dtype)

    with torch.nn.modules.module.register_module_forward_hook(note):
        finish(run, dataset=clips)
    assert run.config.precision == precision
    assert outputs == {kind}
    assert weights == {torch.float32}  # what learns keeps its precision


def test_every_step_is_taken_with_its_own_learning_rate(begin, tiny, clips):
    rates: list[float] = []
    hook = register_optimizer_step_pre_hook(lambda optimiser, *_: rates.append(optimiser.param_groups[0]["lr"]))
    try:
        finish(begin(recipe=tiny), dataset=clips)
    finally:
        hook.remove()
    assert rates == [tiny.learning_rate_at(iteration) for iteration in range(6)]


def test_held_out_clips_are_scored_only_every_so_many_epochs_and_at_the_end(begin, tiny, clips):
    recipe = replace(tiny, iterations=12, evaluate_every=2)
    scored = [not math.isnan(r.valid_accuracy) for r in train(begin(recipe=recipe), dataset=clips)]
    assert scored == [False, True, True]


def test_a_run_that_keeps_its_epochs_scores_and_keeps_every_one(tmp_path, tiny, clips):
    recipe = replace(tiny, iterations=12, evaluate_every=2)
    run = create_run("cnn10", clips, recipe, folder=tmp_path / "run", device="cpu", keep_epochs=True)
    scored = [not math.isnan(report.valid_accuracy) for report in train(run, dataset=clips)]
    assert scored == [True, True, True]
    assert len(list((run.path / "epochs").iterdir())) == 3


def test_same_seed_gives_the_same_weights_and_another_seed_others(begin, clips):
    same = [weights_of(finish(begin(seed=seed), dataset=clips)) for seed in (3, 3, 4)]
    assert same[0] == same[1] != same[2]


def test_what_was_drawn_before_does_not_change_the_weights(begin, clips):
    first = weights_of(finish(begin(), dataset=clips))
    torch.rand(7)
    np.random.rand(7)  # noqa: NPY002
    assert weights_of(finish(begin(), dataset=clips)) == first


def test_evaluating_more_often_does_not_change_the_weights(begin, tiny, clips):
    often, seldom = (begin(recipe=replace(tiny, iterations=11, evaluate_every=every)) for every in (1, 3))
    assert weights_of(finish(often, dataset=clips)) == weights_of(finish(seldom, dataset=clips))


def test_train_leaves_the_callers_random_state_alone(begin, clips):
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    for _ in train(begin("ts-cnn10"), dataset=clips):
        assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]


def test_training_is_the_same_when_the_caller_draws_between_epochs(begin, clips):
    disturbed, quiet = begin("ts-cnn10"), finish(begin("ts-cnn10"), dataset=clips)
    for _ in train(disturbed, dataset=clips):
        torch.rand(5)
    assert weights_of(disturbed) == weights_of(quiet)


@pytest.mark.parametrize("epochs", [1, 2])
def test_closed_training_is_saved_and_resumes_to_the_same_bits(begin, tiny, clips, epochs):
    recipe = replace(tiny, iterations=12)
    whole = finish(begin("ts-cnn10", recipe=recipe), dataset=clips)
    stopped = begin("ts-cnn10", recipe=recipe)
    reports = train(stopped, dataset=clips)
    for _ in range(epochs):
        next(reports)
    assert not (stopped.path / "state.pt").exists()  # too early for a checkpoint by the clock
    reports.close()
    assert (stopped.path / "state.pt").exists()
    assert not stopped.is_finished
    assert stopped.read_history()["epoch"].tolist() == list(range(1, epochs + 1))
    assert [report.epoch for report in train(stopped, dataset=clips)] == list(range(epochs + 1, 4))
    for file in ("weights.safetensors", "predictions.csv"):
        assert (stopped.path / file).read_bytes() == (whole.path / file).read_bytes()
    assert stopped.read_history()["epoch"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_resuming_restores_the_state_of_each_optimiser(begin, tiny, clips, optimiser):
    recipe = replace(tiny, iterations=10, optimiser=optimiser)
    whole, stopped = finish(begin(recipe=recipe), dataset=clips), begin(recipe=recipe)
    reports = train(stopped, dataset=clips)
    next(reports)
    reports.close()
    assert weights_of(finish(stopped, dataset=clips)) == weights_of(whole)


def test_training_closed_after_its_end_stays_finished(begin, tiny, clips):
    run = begin(recipe=replace(tiny, iterations=5))
    reports = train(run, dataset=clips)
    next(reports)
    reports.close()
    assert run.is_finished
    assert not (run.path / "state.pt").exists()


def test_resumed_training_goes_on_counting_seconds(begin, clips):
    run = begin()
    reports = train(run, dataset=clips)
    first = next(reports).seconds
    reports.close()
    assert next(train(run, dataset=clips)).seconds > first


def test_another_number_of_threads_is_warned_of(begin, clips, caplog, monkeypatch):
    run = begin()
    assert run.config.threads == 1
    with caplog.at_level(logging.WARNING, logger="esclab"):
        next(train(run, dataset=clips))
        assert caplog.messages == []
        monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
        next(train(run, dataset=clips))
    assert len(caplog.messages) == 1
    assert "begun with 1 threads and goes on with 3" in caplog.messages[0]


def test_checkpoint_is_written_once_its_time_has_come(begin, clips, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    run = begin()
    reports = train(run, dataset=clips)
    next(reports)
    assert (run.path / "state.pt").exists()
    assert run.read_history()["epoch"].tolist() == [1]


def test_loss_that_is_not_a_number_stops_with_iteration_and_clips(begin, tiny, clips, change_features):
    poisoned = 17
    recipe = replace(tiny, iterations=10, batch_size=4, schedule="constant", standardise=False)
    fold = int(clips.table["fold"].iloc[poisoned])
    change_features(np.array([poisoned]), math.nan)
    run = begin(recipe=recipe, fold=fold % 5 + 1, seed=1)
    with pytest.raises(TrainingError) as caught:
        finish(run, dataset=clips)
    assert clips.table["clip"].iloc[poisoned] in str(caught.value)
    assert "nan" in str(caught.value)
    assert {path.name for path in run.path.iterdir()} == {"config.json", LOCK_NAME}
    iteration = int(caught.value.where.removeprefix("iteration "))
    # One iteration less never meets the clip.
    assert iteration > 1
    finish(begin(recipe=replace(recipe, iterations=iteration - 1), fold=fold % 5 + 1, seed=1), dataset=clips)
    with pytest.raises(TrainingError, match=f"iteration {iteration}:"):
        finish(begin(recipe=replace(recipe, iterations=iteration), fold=fold % 5 + 1, seed=1), dataset=clips)


def test_loss_that_is_not_a_number_leaves_the_checkpoint_before_it(begin, tiny, clips, change_features, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    recipe = replace(tiny, iterations=11)
    whole, run = finish(begin(recipe=recipe), dataset=clips), begin(recipe=recipe)
    reports = train(run, dataset=clips)
    next(reports)
    reports.close()
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    with monkeypatch.context() as context:
        context.setattr(loop, "roll_time", lambda features, generator: features * math.inf)
        with pytest.raises(TrainingError, match="iteration 6:"):
            finish(run, dataset=clips)
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    assert weights_of(finish(run, dataset=clips)) == weights_of(whole)


def test_run_whose_recordings_changed_is_refused(begin, clips):
    table = clips.table.assign(clip=[f"other-{name}" for name in clips.table["clip"]])
    with pytest.raises(RunError, match="other recordings of synth10:50"):
        next(train(begin(), dataset=replace(clips, table=table)))


def test_train_loads_the_dataset_of_the_run(begin, clips):
    assert weights_of(finish(begin())) == weights_of(finish(begin(), dataset=clips))


def test_keep_epochs_writes_predictions_and_embeddings_of_every_evaluated_epoch(finished):
    files = sorted((finished.run.path / "epochs").iterdir())
    assert [file.name for file in files] == ["00001.npz", "00002.npz"]
    for file in files:
        with np.load(file) as arrays:
            assert arrays["probabilities"].shape == (10, 10)
            assert arrays["probabilities"].sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)
            assert arrays["embeddings"].shape == (10, 128)  # a quarter of 512
            last = arrays["probabilities"]
    np.testing.assert_allclose(last, finished.run.read_predictions().probabilities, atol=1e-6)


def test_epochs_are_not_kept_unless_asked_for(begin, clips):
    assert not (finish(begin(), dataset=clips).path / "epochs").exists()


def test_predictions_are_of_the_held_out_clips_in_the_tables_order(finished, clips):
    predictions = finished.run.read_predictions()
    rows = clips.table[clips.table["fold"] == 1]
    assert predictions.clips.tolist() == rows["clip"].tolist()
    assert predictions.sources.tolist() == rows["source"].tolist()
    assert predictions.true.tolist() == rows["class_index"].tolist()
    assert set(predictions.folds.tolist()) == {1}
    assert predictions.probabilities.sum(axis=1) == pytest.approx(np.ones(10))
    assert predictions.correct.mean() == finished.run.summary["accuracy"]
    table = pd.read_csv(finished.run.path / "predictions.csv")
    assert list(table.columns) == ["clip", "source", "fold", "class_index", *(f"p_{n}" for n in range(10))]
