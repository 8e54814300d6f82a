"""The edge is soft where it should be and nowhere else, and the old background does not show in it."""

import cv2
import numpy as np
import pytest

from runflow_widgets.engine.models.matting import MattingOptions, own_colours, refine


def test_alpha_is_one_inside_zero_outside_and_soft_only_near_the_edge(scenes):
    photo, truth = scenes.disc()

    alpha = refine(photo, truth)

    assert alpha.shape == truth.shape
    assert np.abs(alpha - truth).mean() < 0.01
    deep = cv2.erode(truth.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    far = cv2.dilate(truth.astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    assert (alpha[deep] == 1).all()
    assert (alpha[far] == 0).all()


def test_a_mask_that_is_a_little_off_is_pulled_to_the_edge(scenes):
    photo, truth = scenes.disc()
    _, off = scenes.disc(radius=43)

    alpha = refine(photo, off)

    assert np.abs(alpha - truth).mean() < np.abs(off ^ truth).mean()


def test_large_photos_get_their_edge_from_a_smaller_copy(scenes):
    photo, truth = scenes.disc(360, 480, radius=90)
    steps = scenes.Steps()

    alpha = refine(photo, truth[::2, ::2], MattingOptions(working_px=200), steps)

    assert alpha.shape == truth.shape
    assert np.abs(alpha - truth).mean() < 0.015
    assert steps.rise


def test_the_edge_loses_the_colour_of_the_wall(scenes):
    height, width = 160, 160
    y, x = np.mgrid[0:height, 0:width]
    alpha = np.clip((50 - np.hypot(y - 80, x - 80)) / 8, 0, 1).astype(np.float32)
    subject, wall = np.array([200, 30, 30]), np.array([20, 220, 60])
    photo = (subject * alpha[..., None] + wall * (1 - alpha[..., None])).astype(np.uint8)

    colours = own_colours(photo, alpha)

    edge = (alpha > 0.15) & (alpha < 0.85)
    before = np.abs(photo[edge] - subject.astype(float)).mean()
    after = np.abs(colours[edge] - subject.astype(float)).mean()
    assert after < 0.35 * before
    assert np.array_equal(colours[alpha == 1], photo[alpha == 1])


@pytest.mark.parametrize("full", [False, True])
def test_a_mask_without_edge_stays_as_it_is(full):
    photo = np.random.default_rng(0).integers(0, 255, (50, 70, 3)).astype(np.uint8)

    assert (refine(photo, np.full((50, 70), full)) == full).all()
