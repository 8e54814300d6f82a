"""The shadow beside a marked object: found where there is one, and nothing else taken for one."""

from contextlib import suppress

import cv2
import numpy as np
import pytest

from runflow_widgets.errors import InputError
from runflow_widgets.painting.shadow import MOST, shadow_beside

GROUNDS = {"pavement": (150, 148, 145), "lawn": (110, 150, 80), "wood": (170, 120, 80), "snow": (235, 238, 242)}


def scene(ground, side, *, left=0.6, object_px=0.16, shadow=(0.14, 0.045), seed=0):
    """A dark thing on a ground, its mask, and where its shadow keeps only `left` of the light."""
    rng = np.random.default_rng(seed)
    high, wide = side, round(1.3 * side)
    photo = np.full((high, wide, 3), ground, np.float32)
    photo *= 1 + rng.normal(0, 0.03, (high, wide, 1)).astype(np.float32)
    rows, columns = np.mgrid[:high, :wide]
    middle, foot = wide * 0.4, high * 0.6
    long, thick = shadow[0] * side, shadow[1] * side
    shaded = ((columns - middle - long * 0.6) / long) ** 2 + ((rows - foot) / thick) ** 2 < 1
    soft = cv2.GaussianBlur(shaded.astype(np.float32), (0, 0), max(0.8, 0.006 * side))[..., None]
    photo *= 1 - (1 - left ** (1 / 2.2)) * soft
    half = object_px * side / 2
    thing = (abs(columns - middle) < half) & (rows > foot - 3 * half) & (rows < foot + 0.3 * half)
    photo[thing] = (60, 30, 30)
    mask = thing.astype(np.uint8) * 255
    return np.clip(photo, 0, 255).astype(np.uint8), mask, shaded & ~thing


@pytest.mark.parametrize("side", [160, 400, 1100, 2400])
@pytest.mark.parametrize("ground", GROUNDS)
def test_a_shadow_on_even_ground_is_found_and_little_else(ground, side):
    photo, mask, shaded = scene(GROUNDS[ground], side)

    found = shadow_beside(photo, mask)

    assert (found & shaded).sum() > 0.8 * shaded.sum()
    beside = cv2.dilate(shaded.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=max(2, round(0.02 * side))) > 0
    assert (found & ~beside).sum() < 0.05 * shaded.sum()
    assert not (found & (mask > 0)).any()


@pytest.mark.parametrize("ground", GROUNDS)
def test_without_a_shadow_nothing_is_found(ground):
    photo, mask, _ = scene(GROUNDS[ground], 400, left=1.0)
    assert not shadow_beside(photo, mask).any()


def test_a_dark_thing_of_another_colour_beside_the_object_is_no_shadow():
    photo, mask, shaded = scene(GROUNDS["pavement"], 400, left=1.0)
    photo[shaded] = (140, 30, 20)
    assert not shadow_beside(photo, mask).any()


def test_something_black_beside_the_object_is_no_shadow():
    photo, mask, shaded = scene(GROUNDS["snow"], 400, left=1.0)
    photo[shaded] = (8, 8, 8)
    assert not shadow_beside(photo, mask).any()


def test_a_shadow_that_does_not_touch_the_object_belongs_to_something_else():
    photo, mask, _ = scene(GROUNDS["lawn"], 400, left=1.0)
    photo[300:315, 300:400] = (photo[300:315, 300:400] * 0.75).astype(np.uint8)
    assert not shadow_beside(photo, mask).any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("long", [0.05, 0.12, 0.2, 0.3])
def test_never_more_than_the_share_that_is_promised(long, seed):
    photo, mask, _ = scene(GROUNDS["lawn"], 300, shadow=(long, 0.07), seed=seed, object_px=0.1 + 0.03 * seed)
    with suppress(InputError):
        assert shadow_beside(photo, mask).mean() <= MOST


def test_too_large_a_shadow_is_left_to_the_user_in_one_sentence():
    photo, mask, _ = scene(GROUNDS["pavement"], 400, object_px=0.3, shadow=(0.4, 0.12))
    with pytest.raises(InputError, match="too much for a shadow"):
        shadow_beside(photo, mask)


@pytest.mark.parametrize("value", [0, 255])
def test_a_mask_of_nothing_or_of_everything_has_no_shadow(value):
    photo, mask, _ = scene(GROUNDS["lawn"], 120)
    assert not shadow_beside(photo, np.full_like(mask, value)).any()


def test_tiny_pictures_do_no_harm():
    for size in ((1, 1), (1, 9), (3, 2), (8, 8)):
        mask = np.zeros(size, np.uint8)
        mask[0, 0] = 255
        assert shadow_beside(np.full((*size, 3), 90, np.uint8), mask).shape == size
