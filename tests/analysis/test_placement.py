from __future__ import annotations

import numpy as np
import pytest

from esclab.analysis.placement import place_embedding
from esclab.analysis.projection import project_embeddings
from esclab.errors import OptionError


def test_pca_puts_a_clip_where_it_was_projected():
    values = np.random.default_rng(0).normal(size=(12, 5)) * [5, 3, 1, 0.5, 0.1]
    _, layout = project_embeddings([values[::-1], values], method="pca")  # the second is turned onto the first
    for row in (0, 7):
        place, nearest = place_embedding(values[row], values, layout, method="pca")
        np.testing.assert_allclose(place, layout[row], atol=1e-9)
        assert nearest == row
    middle, _ = place_embedding(values[[0, 7]].mean(axis=0), values, layout, method="pca")
    np.testing.assert_allclose(middle, layout[[0, 7]].mean(axis=0), atol=1e-9)


def test_tsne_puts_a_clip_to_its_nearest_neighbour():
    values = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]])
    layout = np.array([[9.0, 9.0], [-1.0, 0.0], [0.0, 2.0]])
    place, nearest = place_embedding(np.array([0.9, 0.2]), values, layout, method="tsne")
    assert nearest == 1
    assert place.tolist() == [-1.0, 0.0]


def test_embedding_of_another_network_is_refused():
    with pytest.raises(OptionError, match="does not go with"):
        place_embedding(np.zeros(3), np.zeros((4, 2)), np.zeros((4, 2)), method="pca")
    with pytest.raises(OptionError, match="not finite"):
        place_embedding(np.array([np.nan, 0]), np.zeros((4, 2)), np.zeros((4, 2)), method="pca")
