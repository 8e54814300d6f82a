"""What is done to masks, on masks that can be drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from runflow_widgets.engine.models.masks import grown, joined, mean_nearby, shrunk


def bar(first, last, shape=(40, 60)):
    mask = np.zeros(shape, bool)
    mask[10:30, first:last] = True
    return mask


def test_a_mask_grows_by_a_disc_and_shrinks_back():
    larger = grown(bar(20, 40), 3)

    assert np.flatnonzero(larger[20]).tolist() == list(range(17, 43))
    assert not larger[7, 17]
    assert (shrunk(larger, 3) == bar(20, 40)).all()


@pytest.mark.parametrize(("corners", "pixels"), [(True, 2), (False, 1)])
def test_a_piece_is_kept_for_a_seed_and_touching_corners_count_if_they_are_to(corners, pixels):
    mask = np.zeros((8, 8), bool)
    mask[1, 1] = mask[2, 2] = mask[6, 6] = True
    seeds = np.zeros_like(mask)
    seeds[0:2, 0:2] = True

    assert joined(mask, seeds, corners=corners).sum() == pixels


@pytest.mark.parametrize("planes", [(), (1,), (3,)])
def test_a_mean_is_of_what_is_within_the_mask_and_near(planes):
    values = np.full((40, 60, *planes), 900.0, np.float32)
    values[bar(0, 20)], values[bar(40, 60)] = 10.0, 30.0

    mean = mean_nearby(values, bar(0, 20) | bar(40, 60), 2.0)

    assert mean.shape == values.shape
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean[20, 22], 10.0, rtol=1e-3)
    np.testing.assert_allclose(mean[20, 38], 30.0, rtol=1e-3)
    # Nothing is known in the middle of a wide gap.
    assert np.abs(mean[20, 30]).max() < 1e-3


def test_a_mean_lies_between_what_it_is_of():
    values = np.where(np.arange(60) < 30, 10, 30).astype(np.float32) * np.ones((40, 1), np.float32)

    mean = mean_nearby(values, bar(20, 40), 4.0)

    np.testing.assert_allclose(mean[20, 29:31].mean(), 20.0, rtol=1e-3)
    assert (np.diff(mean[20, 20:40]) > 0).all()
