from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from esclab.clips.folds import describe_made_folds, find_shared_sources, make_folds
from esclab.errors import DatasetError


def test_folds_keep_sources_together_and_classes_apart():
    classes = pd.Series(["a", "b"] * 50)
    sources = pd.Series([f"s{i // 4}" for i in range(100)])
    folds = make_folds("made", classes, sources)
    assert sorted(set(folds)) == [1, 2, 3, 4, 5]
    assert pd.Series(folds).groupby(sources).nunique().eq(1).all()
    assert pd.crosstab(folds, classes).to_numpy().tolist() == [[10, 10]] * 5
    np.testing.assert_array_equal(folds, make_folds("made", classes, sources))
    assert describe_made_folds(folds) == "grouped 5-fold by source, made by esclab"


def test_folds_are_as_many_as_the_rarest_class_has_sources():
    folds = make_folds("made", pd.Series(list("aaabbbbbb")), pd.Series(list("123456789")))
    assert sorted(set(folds)) == [1, 2, 3]
    assert describe_made_folds(folds).startswith("grouped 3-fold")


def test_folds_need_two_sources_a_class():
    with pytest.raises(DatasetError, match="made: class 'b' has one source only"):
        make_folds("made", pd.Series(list("aabb")), pd.Series(list("1233")))


def test_shared_sources_name_a_clip_of_each_fold():
    table = pd.DataFrame({"clip": list("abcd"), "source": ["x", "x", "y", "x"], "fold": [1, 2, 2, 2]})
    assert find_shared_sources(table) == ["source x is in 2 folds: a in fold 1, b in fold 2"]
