"""Distances between sets of pictures, on cases whose answer is known."""

import numpy as np
import pytest

from measures.pictures import (
    Judge,
    collect_patches,
    compare_patches,
    find_nearest,
    laplacian_pyramid,
    measure_coverage,
    shrink,
    sliced_wasserstein,
)


def make_pictures(seed: int, n: int = 24, side: int = 64) -> np.ndarray:
    """Clouds: smooth colours and a little grain."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((n, 3, 4, 4)).repeat(side // 4, axis=2).repeat(side // 4, axis=3)
    return np.clip(coarse + 0.05 * rng.standard_normal((n, 3, side, side)), 0, 1).astype(np.float32)


def test_pyramid_adds_up_to_the_picture() -> None:
    pictures = make_pictures(0, n=2)
    levels = laplacian_pyramid(pictures)
    assert list(levels) == [64, 32, 16]
    flat = laplacian_pyramid(np.full((1, 3, 64, 64), 0.3, np.float32))
    assert np.abs(flat[64]).max() < 1e-6  # no detail
    np.testing.assert_allclose(flat[16], 0.3, atol=1e-6)  # all of the colour
    assert levels[64].std() > levels[32].std()  # grain lies in the finest level


def test_distance_of_shifted_points_is_the_shift_seen_from_all_sides() -> None:
    cloud = np.random.default_rng(0).standard_normal((4_000, 2)).astype(np.float32)
    shifted = cloud + np.array([3.0, 0.0], np.float32)
    # A shift by 3 seen along a random direction of the plane is 3 |cos|, on average 6 / π.
    distance = sliced_wasserstein(cloud, shifted, np.random.default_rng(1)) / 1_000
    assert distance == pytest.approx(6 / np.pi, rel=0.06)
    assert sliced_wasserstein(cloud, cloud, np.random.default_rng(1)) == 0


def test_pictures_of_one_kind_are_nearer_than_blurred_or_scrambled_ones() -> None:
    def patches(pictures: np.ndarray) -> dict[int, np.ndarray]:
        return collect_patches(np.split(pictures, 2), np.random.default_rng(7))

    true, like = patches(make_pictures(0)), patches(make_pictures(1))
    smooth = make_pictures(2).reshape(24, 3, 32, 2, 32, 2).mean((3, 5)).repeat(2, 2).repeat(2, 3)
    near, far = compare_patches(true, like), compare_patches(true, patches(smooth))
    assert list(near) == [64, 32, 16]
    assert far[64] > 2 * near[64]  # the grain is missing
    assert far[16] < 2 * near[16]  # the colours are right
    assert near == compare_patches(true, like)  # the same seed, the same figure


def test_bytes_and_numbers_give_the_same_patches() -> None:
    pictures = np.rint(make_pictures(0, n=2) * 255).astype(np.uint8)
    first = collect_patches([pictures], np.random.default_rng(0))
    second = collect_patches([pictures / np.float32(255)], np.random.default_rng(0))
    np.testing.assert_allclose(first[64], second[64], atol=1e-5)
    assert first[64].shape == (2 * 128, 147)


def test_refuses_clouds_of_two_sizes() -> None:
    with pytest.raises(ValueError, match="one size"):
        sliced_wasserstein(
            np.zeros((3, 2), np.float32), np.zeros((4, 2), np.float32), np.random.default_rng(0)
        )


def test_copies_are_found_and_strangers_lie_far() -> None:
    library = shrink(make_pictures(0))
    copies = find_nearest(library[[5, 2]], library)
    assert copies.indices.tolist() == [5, 2]
    np.testing.assert_allclose(copies.distances, 0, atol=1e-6)
    brighter = find_nearest(library[[7]] + 0.01, library)
    assert brighter.indices.tolist() == [7]
    assert brighter.distances[0] == pytest.approx(0.01, rel=1e-3)
    assert find_nearest(shrink(make_pictures(1)), library).distances.min() > 0.1


def test_coverage_knows_collapse_from_scatter() -> None:
    rng = np.random.default_rng(0)
    true, same = rng.standard_normal((2, 400, 4)).astype(np.float32)
    whole = measure_coverage(same, true)
    assert whole.precision > 0.8
    assert whole.recall > 0.8
    collapsed = measure_coverage(0.05 * same, true)
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.2
    scattered = measure_coverage(5 * same, true)
    assert scattered.precision < 0.3
    assert scattered.recall > 0.8


def test_the_judge_prefers_pictures_of_the_same_kind() -> None:
    judge = Judge([make_pictures(0)])
    like, flat = judge.compare([make_pictures(1)]), judge.compare([make_pictures(1) ** 8])
    assert all(flat.sliced_wasserstein[side] > like.sliced_wasserstein[side] for side in (64, 32))
    assert like.coarsest.recall > flat.coarsest.recall
    assert like == judge.compare([make_pictures(1)])
