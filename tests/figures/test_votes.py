from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.votes import limit_parts, votes_data
from esclab.figures.votes_plan import plan_votes
from tests.figures.samples_votes import PART_BANDS, sample_votes
from tests.figures.test_contract import assert_nothing_is_cut, plotly_axis_titles


def test_votes_order_classes_by_the_clips_score():
    result = sample_votes()
    plan = plan_votes(result, 3)
    best = np.argsort(-result.scores)[:3]
    assert plan.scores.tolist() == pytest.approx(100 * result.scores[best])
    expected = [f"{result.class_names[i].replace('_', ' ')}: {100 * result.scores[i]:.0f} %" for i in best]
    assert plan.labels == expected
    np.testing.assert_allclose(plan.frames, 100 * result.frames.T[best])
    np.testing.assert_allclose(plan.parts, 100 * result.parts.T[best])


def test_votes_ring_each_frames_first_choice_and_none_that_is_not_shown():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.2, 0.5]])
    result = replace(
        sample_votes(frames=3, part_bands=(), classes=3), scores=np.array([0.45, 0.35, 0.2]), frames=scores
    )
    assert plan_votes(result, 2).winners.tolist() == [0, 1, -1]
    (ring,) = [trace for trace in draw("votes", result, most=2).data if trace.type == "scatter"]
    assert list(ring.y) == [0, 1]
    assert list(ring.x) == pytest.approx([5 / 6, 2.5], abs=0.02)


def test_votes_put_each_sub_band_where_its_bands_are():
    result = sample_votes()
    figure = draw("votes", result)
    (bars,) = [trace for trace in figure.data if trace.type == "bar"]
    assert [(b, b + h) for b, h in zip(bars.base, bars.y, strict=True)] == [(f - 0.5, e - 0.5) for f, e in PART_BANDS]
    assert figure.layout.xaxis4.ticktext == ("1", "2", "3", "4", "all")
    assert bars.text[1] == "dog"
    centres = result.spectrogram.frequency_hz
    (low, high), *_ = limit_parts(result)
    # A border lies midway between centres; the outermost as far outside as the next one inside.
    assert low == pytest.approx(centres[0] - (centres[1] - centres[0]) / 2)
    assert high == pytest.approx((centres[25] + centres[26]) / 2)
    assert plan_votes(result, 5).limits[0] == f"{low:.0f}-{high:.0f} Hz"


def test_votes_data_has_every_score_with_its_place():
    result = sample_votes()
    data = votes_data(result)
    frame = data[(data["voter"] == "frame") & (data["class_name"] == "dog")]
    assert frame["value"].tolist() == result.frames[:, 0].tolist()
    assert frame["time_s"].tolist() == result.time_s.tolist()
    part = data[(data["voter"] == "part") & (data["class_name"] == "dog")]
    assert part["value"].tolist() == result.parts[:, 0].tolist()
    assert (part["low_hz"] < part["high_hz"]).all()
    assert data[data["voter"] == "clip"]["value"].sum() == pytest.approx(1)
    assert (data["voter"] == "input").sum() == 250 * 64


@pytest.mark.parametrize("hand", ["plotly", "print"])
@pytest.mark.parametrize("voters", [{"part_bands": ()}, {"frames": None}, {"frames": 200, "classes": 50}])
def test_votes_of_some_voters_only_are_drawn(hand: Any, voters: dict[str, Any]):
    figure = draw("votes", sample_votes(**voters), hand=hand)
    if hand == "print":
        assert_nothing_is_cut(figure)
        return
    titles = plotly_axis_titles(figure)
    assert ("Sub-band" in titles) is ("part_bands" not in voters)
    assert ("Score of the clip (%)" in titles) is (voters.get("frames", 1) is None)


def test_votes_over_coefficients_name_them():
    spectrogram = replace(sample_votes().spectrogram, axis="coefficient", frequency_hz=np.arange(64.0))
    result = replace(sample_votes(), spectrogram=spectrogram)
    assert plan_votes(result, 5).limits[0] == "coefficients 0-25"
    assert {"coefficient", "low_coefficient", "high_coefficient"} <= set(votes_data(result).columns)
    assert "Coefficient" in plotly_axis_titles(draw("votes", result))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": None, "parts": None}, "nobody votes"),
        ({"scores": np.ones(3)}, r"VoteResult.scores: shape \(3,\) does not fit \(10,\)"),
        ({"frames": np.ones((4, 10))}, "VoteResult.frames: shape"),
        ({"parts": np.full((5, 10), np.nan)}, "VoteResult.parts: some are not finite"),
        ({"part_bands": ((0, 26), (13, 38), (26, 51), (38, 65), (0, 64))}, "do not lie in 64 bands"),
    ],
)
def test_votes_that_do_not_fit_are_refused(changes: dict[str, Any], message: str):
    with pytest.raises(OptionError, match=message):
        draw("votes", replace(sample_votes(), **changes))


def test_votes_of_no_class_are_refused():
    with pytest.raises(OptionError, match="most: 0 is below 1"):
        draw("votes", sample_votes(), most=0)
