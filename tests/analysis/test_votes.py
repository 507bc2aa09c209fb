from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from esclab.analysis.size import measure_size
from esclab.analysis.votes import compare_vote, name_systems, vote_clip, vote_runs
from esclab.clips import load_dataset
from esclab.errors import DatasetError, OptionError
from esclab.features import build_feature
from esclab.models import build_model
from esclab.training.crossval import cross_validate
from esclab.training.front_end import change_feature
from esclab.training.recipe import QUICK


def test_vote_is_the_mean_of_the_voters_scores(answer):
    voters = [
        answer([0, 1], [0, 0], model="a", confidence=0.6),
        answer([0, 1], [1, 1], model="b", confidence=[0.9, 0.8]),
    ]
    (vote,) = vote_runs(voters, name="SPSMR")
    np.testing.assert_allclose(vote.probabilities, [[0.35, 0.65], [0.4, 0.6]])
    assert (vote.model, vote.seed) == ("SPSMR", 0)
    assert vote.clips.tolist() == voters[0].clips.tolist()


def test_vote_brings_clips_into_one_order(answer):
    first, second = answer([0, 1], [0, 1], model="a", confidence=0.9), answer([0, 1], [0, 1], model="b", confidence=0.7)
    (vote,) = vote_runs([first, second.select(np.array([1, 0]))])
    np.testing.assert_allclose(vote.probabilities, [[0.8, 0.2], [0.2, 0.8]])


def test_voters_vote_seed_by_seed_as_many_as_all_have(answer):
    voters = [
        answer([0], [0], model=model, seed=seed, confidence=sure)
        for model, seed, sure in (("a", 1, 0.6), ("a", 0, 0.5), ("b", 0, 0.7), ("b", 1, 0.9), ("b", 2, 1.0))
    ]
    votes = vote_runs(voters)
    assert [vote.seed for vote in votes] == [0, 1]
    assert [vote.probabilities[0, 0] for vote in votes] == pytest.approx([0.6, 0.75])


def test_votes_may_vote_again(answer):
    one, two, three = (answer([0], [0], model=m, confidence=c) for m, c in (("a", 0.6), ("b", 0.8), ("c", 1.0)))
    (again,) = vote_runs([*vote_runs([one, two], name="ab"), three])
    assert again.probabilities[0, 0] == pytest.approx(0.85)


def test_vote_of_one_or_of_other_clips_is_refused(answer):
    one = answer([0, 1], [0, 1], model="a")
    with pytest.raises(OptionError, match="there is one voter, a; give runs of two models"):
        vote_runs([one])
    with pytest.raises(OptionError, match="name a: is a voter's own"):
        vote_runs([one, replace(one, model="b")], name="a")
    with pytest.raises(DatasetError, match="do not have the"):
        vote_runs([one, answer([0], [0], model="b")])


@pytest.fixture(scope="module")
def two_features(esclab_home, tmp_path_factory):
    """Return runs of one model on two representations over folds 1 and 2 of 50 made clips, 2 steps each on 1 s."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    recipe = replace(QUICK, iterations=2, batch_size=8, duration_s=1.0)
    root, dataset = tmp_path_factory.mktemp("votes"), load_dataset("synth10:50")
    found = []
    for one in (recipe, change_feature(recipe, "mfcc")):
        reports = cross_validate(["spsm-1b+spsmt"], dataset, one, root=root, folds=[1, 2])
        found += [report.run for report in reports if report.epoch is not None and report.epoch.iteration == 2]
    torch.set_num_threads(before)
    return found


def test_systems_are_told_apart_by_what_differs(two_features, tiny_runs):
    systems = name_systems(two_features)
    assert {name: len(runs) for name, runs in systems.items()} == {
        "spsm-1b+spsmt logmel": 2, "spsm-1b+spsmt mfcc": 2
    }  # fmt: skip
    assert list(name_systems(tiny_runs)) == ["cnn10", "ts-cnn10"]


def test_vote_of_runs_joins_folds_and_weighs_representations_alike(two_features):
    (vote,) = vote_runs(two_features)
    assert len(vote.true) == 20
    first = two_features[0].read_predictions()
    (other,) = (run.read_predictions() for run in two_features[2:] if run.config.fold == two_features[0].config.fold)
    clip = first.clips[0]
    expected = (first.probabilities[0] + other.probabilities[list(other.clips).index(clip)]) / 2
    np.testing.assert_allclose(vote.probabilities[list(vote.clips).index(clip)], expected)


def test_vote_is_compared_with_each_voter(two_features):
    comparison = compare_vote(two_features, name="SPSMR")
    names = ["SPSMR", "spsm-1b+spsmt logmel", "spsm-1b+spsmt mfcc"]
    assert comparison.accuracy.table["model"].tolist() == comparison.table["Model"].tolist() == names
    assert comparison.pairs[["model_a", "model_b"]].to_numpy().tolist() == [["SPSMR", names[1]], ["SPSMR", names[2]]]
    assert (comparison.pairs["p_holm"] >= comparison.pairs["p_value"]).all()
    size = measure_size(two_features[0].build_model()).mib
    assert comparison.sizes_mib == pytest.approx({names[0]: 2 * size, names[1]: size, names[2]: size})
    assert {"95 % interval", "Macro accuracy (%)", "Log loss", "Size (MiB)"} <= set(comparison.table.columns)
    scores = comparison.scores.set_index("model")
    assert scores.loc["SPSMR", "accuracy"] == pytest.approx(comparison.votes[0].correct.mean())


def test_runs_of_two_datasets_do_not_vote(two_features):
    other = replace(two_features[0], config=replace(two_features[0].config, dataset="esc10"))
    with pytest.raises(OptionError, match=r"runs: are of esc10 .* and synth10:50 .*; give runs of one dataset"):
        vote_runs([other, *two_features])


def make_clip(name: str, **settings):
    torch.manual_seed(0)
    feature = build_feature("logmel")
    model = build_model(name, classes=3, bands=40, width=0.25, **settings).eval()
    samples = np.random.default_rng(0).standard_normal(3 * 44_100).astype(np.float32)
    return vote_clip(model, feature, samples, class_names=("a", "b", "c"), label="hiss", name=name), feature


def test_votes_of_a_clip_lie_where_frames_and_bands_are():
    result, feature = make_clip("cnn10+spsmt+spsmf")
    assert result.frames.shape == (9, 3)  # 151 frames, pooled four times by two
    # A cell of 16 frames of 20 ms: the first one's centre is at frame 7.5.
    np.testing.assert_allclose(result.time_s, 0.02 * (7.5 + 16 * np.arange(9)))
    assert result.parts.shape == (5, 3)
    assert result.part_bands == ((0, 16), (8, 24), (16, 32), (24, 40), (0, 40))
    np.testing.assert_allclose(result.parts.mean(0), result.scores, atol=1e-5)
    np.testing.assert_allclose(result.frames.mean(0), result.scores, atol=1e-5)
    assert (result.spectrogram.label, result.model, result.class_names) == (
        "hiss",
        "cnn10+spsmt+spsmf",
        ("a", "b", "c"),
    )
    assert len(result.spectrogram.frequency_hz) == feature.config.bands


def test_votes_of_a_clip_hold_what_the_network_has():
    frames, _ = make_clip("spsm-1a+spsmt")
    assert (frames.parts, frames.part_bands) == (None, ())
    parts, _ = make_clip("spsm-1b+spsmf", whole=False)
    assert (parts.frames, parts.time_s, len(parts.part_bands)) == (None, None, 4)


def test_network_in_which_nobody_votes_is_refused():
    with pytest.raises(
        OptionError, match=r"cnn10: has no frames or sub-bands that vote; train one such as cnn10\+spsmt"
    ):
        make_clip("cnn10")
