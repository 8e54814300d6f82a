"""A mask drawn a little too small is grown over what is left of the object, and over nothing else."""

import cv2
import numpy as np
import pytest

from runflow_widgets.engine.models.inpaint import inpaint
from runflow_widgets.engine.models.rim import MOST_ADDED, with_rim


def a_ground(height, width, grain=6.0):
    rng = np.random.default_rng(4)
    rough = cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)).astype(np.float32), (0, 0), 1.5)
    return np.clip(150 + grain * rough / rough.std(), 0, 255).astype(np.uint8)


def a_disc(shape, radius):
    return cv2.circle(np.zeros(shape[:2], np.uint8), (shape[1] // 2, shape[0] // 2), radius, 1, -1) > 0


@pytest.mark.parametrize("size", [160, 500, 1700])
@pytest.mark.parametrize("grain", [0.0, 6.0, 14.0])
def test_a_seam_of_the_object_is_taken_along(size, grain):
    ground = a_ground(size, size, grain)
    thing, seam = a_disc(ground.shape, size // 5), max(1, size // 150)
    photo = np.where(thing[..., None], np.uint8([180, 40, 50]), ground)
    drawn = a_disc(ground.shape, size // 5 - seam)

    grown = with_rim(photo, drawn)

    assert (grown & drawn).sum() == drawn.sum()
    assert (thing & ~grown).sum() < 0.15 * (thing & ~drawn).sum()
    # Not far beyond: the seam's own soft edge at most.
    assert not (grown & ~a_disc(ground.shape, size // 5 + max(3, size // 60))).any()


def test_no_ghost_of_the_object_is_left_after_filling():
    ground = a_ground(300, 300)
    thing = a_disc(ground.shape, 50)
    photo = np.where(thing[..., None], np.uint8([180, 40, 50]), ground)
    drawn = a_disc(ground.shape, 48)

    ghost, clean = inpaint(photo, drawn), inpaint(photo, with_rim(photo, drawn))

    def redness(picture):
        return float((picture[thing, 0].astype(int) - picture[thing, 1]).max())

    assert redness(ghost) > 100
    assert redness(clean) < 60


@pytest.mark.parametrize("grain", [0.0, 14.0])
def test_a_mask_that_covers_the_object_stays_as_it_is(grain):
    ground = a_ground(300, 300, grain)
    photo = np.where(a_disc(ground.shape, 40)[..., None], np.uint8([180, 40, 50]), ground)
    drawn = a_disc(ground.shape, 46)

    grown = with_rim(photo, drawn)

    assert (grown & ~drawn).mean() < 0.001


def test_a_spot_on_a_large_thing_takes_nothing_of_the_thing():
    ground = a_ground(300, 300)
    photo = np.where(a_disc(ground.shape, 110)[..., None], np.uint8([60, 90, 160]), ground)
    drawn = a_disc(ground.shape, 30)

    assert np.array_equal(with_rim(photo, drawn), drawn)


def test_another_thing_beside_the_mask_stays():
    photo = a_ground(300, 300)
    photo[100:200, 100:150] = (180, 40, 50)
    photo[100:200, 150:200] = (40, 60, 180)
    drawn = np.zeros((300, 300), bool)
    drawn[98:202, 98:150] = True

    grown = with_rim(photo, drawn)

    assert (grown & ~drawn)[100:200, 152:200].mean() < 0.02


def test_never_is_more_added_than_said():
    photo = a_ground(200, 200)
    photo[::4] = (180, 40, 50)
    drawn = np.zeros((200, 200), bool)
    drawn[::4, 20:180] = True

    assert (with_rim(photo, drawn) & ~drawn).mean() <= MOST_ADDED + 0.01


@pytest.mark.parametrize("drawn", [np.zeros((50, 60), bool), np.ones((50, 60), bool)])
def test_an_empty_and_a_full_mask_stay(drawn):
    assert with_rim(a_ground(50, 60), drawn) is drawn
