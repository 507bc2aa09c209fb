from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from esclab.analysis.projection import METHODS, _keep_compiled, project_embeddings
from esclab.errors import OptionError

CLASSES = np.repeat(np.arange(4), 8)


@pytest.fixture(scope="module")
def epochs() -> list[np.ndarray]:
    """Return 32 clips in 12 dimensions whose four classes drift apart over five epochs."""
    generator = np.random.default_rng(0)
    centres, noise = generator.standard_normal((4, 12)), generator.standard_normal((32, 12))
    return [
        noise + step * centres[CLASSES] + 0.05 * generator.standard_normal((32, 12)) for step in np.linspace(1, 3, 5)
    ]


def measure_movement(layouts: list[np.ndarray]) -> float:
    """Return the mean way of a point from epoch to epoch, in sizes of the layout that it comes to."""
    ways = [
        np.linalg.norm(after - before, axis=1).mean() / np.linalg.norm(after, axis=1).mean()
        for before, after in pairwise(layouts)
    ]
    return float(np.mean(ways))


def turn_best(layouts: list[np.ndarray]) -> list[np.ndarray]:
    """Return the layouts, each turned onto the one before by scipy: what a cold start could do afterwards."""
    from scipy.linalg import orthogonal_procrustes

    turned = layouts[:1]
    for layout in layouts[1:]:
        turned.append(layout @ orthogonal_procrustes(layout, turned[-1])[0])
    return turned


def test_compiled_functions_of_umap_are_kept_for_the_next_process(epochs):
    project_embeddings(epochs[:1], method="umap")
    from umap.layouts import rdist
    from umap.umap_ import smooth_knn_dist

    for function in (rdist, smooth_knn_dist):
        assert function.stats.cache_path
        assert sum(function.stats.cache_hits.values()) + sum(function.stats.cache_misses.values())


def test_compiled_functions_are_kept_unless_there_is_no_folder():
    asked = []

    def compile_without_folder(*signatures, **options):
        asked.append((signatures, options))
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    def double(x):
        return 2 * x

    decorate = _keep_compiled(compile_without_folder)
    assert decorate(double) is decorate(fastmath=True)(double) is decorate("f4(f4)")(double) is double
    assert asked[:2] == [((), {"cache": True}), ((), {})]
    assert asked[2:4] == [((), {"cache": True, "fastmath": True}), ((), {"fastmath": True})]
    assert asked[4:] == [(("f4(f4)",), {"cache": True}), (("f4(f4)",), {})]


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_points_move_less_from_epoch_to_epoch_than_after_cold_starts(epochs, method):
    warm = project_embeddings(epochs, method=method)
    cold = turn_best([project_embeddings([one], method=method)[0] for one in epochs])
    assert measure_movement(warm) < 0.8 * measure_movement(cold)


def test_principal_components_turn_onto_the_epoch_before(epochs):
    warm = project_embeddings(epochs, method="pca")
    mirrored = [epochs[0], epochs[0] * -1]  # the same points, mirrored
    before, after = project_embeddings(mirrored, method="pca")
    np.testing.assert_allclose(before, after, atol=1e-9)
    assert measure_movement(warm) <= measure_movement([project_embeddings([one], method="pca")[0] for one in epochs])


def test_principal_components_keep_distances_of_flat_data():
    points = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0], [0.0, 4.0]])
    in_space = np.column_stack([points, np.full(4, 7.0)])
    first, second = project_embeddings([in_space, 2 * in_space], method="pca")
    np.testing.assert_allclose(pdist(first), [3, 5, 4, 4, 5, 3])
    np.testing.assert_allclose(second, 2 * first, atol=1e-9)  # turned, never scaled
    np.testing.assert_allclose(first.mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_gives_the_same_layouts(epochs, method):
    first = project_embeddings(epochs[:2], method=method, seed=3)
    again = project_embeddings(epochs[:2], method=method, seed=3)
    assert [one.tobytes() for one in first] == [one.tobytes() for one in again]


@pytest.mark.parametrize("method", METHODS)
def test_separate_classes_stay_neighbours_in_the_plane(epochs, method):
    layout = project_embeddings([10 * np.eye(12)[CLASSES] + 0.1 * epochs[0]], method=method, perplexity=5)[0]
    distances = np.linalg.norm(layout[:, None] - layout[None], axis=2) + np.diag(np.full(32, np.inf))
    assert (CLASSES[distances.argmin(axis=1)] == CLASSES).mean() == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("clips", [3, 4, 5])
def test_few_clips_have_finite_places(epochs, method, clips):
    for layout in project_embeddings([one[:clips] for one in epochs[:3]], method=method):
        assert layout.shape == (clips, 2)
        assert np.isfinite(layout).all()
        assert pdist(layout).min() > 0


@pytest.mark.parametrize("method", METHODS)
def test_identical_points_and_lines_have_finite_places(epochs, method):
    twice = np.concatenate([epochs[0][:6], epochs[0][:6]])
    line = np.outer(np.arange(12.0), np.ones(12))
    one_apart = np.where(np.arange(12)[:, None] == 0, 1.0, 0.0) * np.ones(12)
    for layout in project_embeddings([twice, line, one_apart, twice], method=method):
        assert np.isfinite(layout).all()
        assert np.ptp(layout, axis=0).max() > 0


@pytest.mark.parametrize("method", METHODS)
def test_constant_embeddings_lie_on_one_point_and_the_next_goes_on_from_before(epochs, method):
    layouts = project_embeddings([epochs[0], np.ones((32, 12)), epochs[0]], method=method)
    assert not layouts[1].any()
    assert measure_movement([layouts[0], layouts[2]]) < 0.5
    assert not project_embeddings([np.ones((32, 12))], method=method)[0].any()


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_layouts_without_a_scale_are_all_of_one_size(epochs, method):
    for layout in project_embeddings(epochs[:3], method=method):
        assert (layout**2).sum(axis=1).mean() == pytest.approx(1)
        np.testing.assert_allclose(layout.mean(axis=0), 0, atol=1e-9)


def test_embedding_of_one_dimension_has_places(epochs):
    layout = project_embeddings([epochs[0][:, :1]], method="pca")[0]
    assert layout.shape == (32, 2)
    assert not layout[:, 1].any()


def test_progress_counts_epochs(epochs):
    seen = []
    project_embeddings(epochs, method="pca", progress=lambda done, count: seen.append((done, count)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_no_epochs_give_no_layouts():
    assert project_embeddings([]) == []


@pytest.mark.parametrize(
    ("embeddings", "settings", "said"),
    [
        ([np.eye(4)], {"method": "lda"}, "choose one of tsne, umap, pca"),
        ([np.eye(4)], {"perplexity": 0.5}, "is not a number from 1 up"),
        ([np.eye(4)], {"perplexity": np.nan}, "is not a number from 1 up"),
        ([np.eye(4)], {"neighbours": 1}, "are fewer than 2"),
        ([np.eye(2)], {}, "are of 2 clips"),
        ([np.eye(4), np.eye(5)], {}, "embeddings 2 of 2: have shape"),
        ([np.ones(4)], {}, "give \\(clip, d\\)"),
        ([np.ones((4, 0))], {}, "give \\(clip, d\\)"),
        ([np.eye(4), np.full((4, 4), np.inf)], {}, "embeddings 2 of 2: are not finite"),
    ],
)
def test_what_cannot_be_projected_is_refused(embeddings, settings, said):
    with pytest.raises(OptionError, match=said):
        project_embeddings(embeddings, **settings)
