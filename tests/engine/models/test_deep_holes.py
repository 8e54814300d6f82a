"""A hole of any depth holds nothing that its surroundings do not: no black core, no white one, no flat one."""

import cv2
import numpy as np
import pytest
from plausible import core_texture, out_of_range

from runflow_widgets.engine.models.inpaint import InpaintOptions, inpaint
from runflow_widgets.engine.models.membrane import membrane

GROUNDS = {"light": (228, 10), "dark": (32, 8), "textured": (128, 45), "flat": (128, 0)}


def a_photo(ground, height, width):
    """A ramp of light with grain of several sizes: as smooth as paper, as rough as a lawn."""
    level, strength = GROUNDS[ground]
    rng = np.random.default_rng(5)
    grain = sum(
        cv2.resize(rng.normal(0, 1, (height // size + 1, width // size + 1, 3)).astype(np.float32), (width, height))
        for size in (2, 7, 23)
    )
    ramp = np.linspace(-14, 14, width, dtype=np.float32)[None, :, None]
    return np.clip(level + ramp + strength * grain / grain.std(), 0, 255).astype(np.uint8)


def a_disc(height, width, radius):
    return cv2.circle(np.zeros((height, width), np.uint8), (width // 2, height // 2), radius, 1, -1) > 0


def assert_plausible(photo, filled, hole, ground):
    assert np.array_equal(filled[~hole], photo[~hole])
    assert out_of_range(filled, hole) == 0
    if ground != "flat":
        assert core_texture(filled, hole) > 0.5


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("radius", [60, 110, 180])
def test_a_deep_hole_is_neither_darker_nor_brighter_nor_flatter_than_what_is_around(ground, radius):
    photo = a_photo(ground, 3 * radius, 3 * radius + 41)
    hole = a_disc(*photo.shape[:2], radius)

    assert_plausible(photo, inpaint(np.where(hole[..., None], 0, photo), hole), hole, ground)


@pytest.mark.slow
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("radius", [290, 400])
def test_so_is_a_huge_one_that_is_solved_small_and_lifted(ground, radius):
    photo = a_photo(ground, 1000, 1100)
    hole = a_disc(1000, 1100, radius)

    assert_plausible(photo, inpaint(np.where(hole[..., None], 0, photo), hole), hole, ground)


@pytest.mark.parametrize("ground", GROUNDS)
def test_so_is_one_that_is_filled_at_half_the_size(ground):
    photo = a_photo(ground, 480, 560)
    hole = a_disc(480, 560, 150)

    filled = inpaint(np.where(hole[..., None], 255, photo), hole, InpaintOptions(whole_px=9_000))

    assert np.array_equal(filled[~hole], photo[~hole])
    assert out_of_range(filled, hole) == 0


@pytest.mark.slow
@pytest.mark.parametrize("ground", GROUNDS)
def test_so_is_a_thick_ring_that_is_filled_part_by_part(ground):
    photo = a_photo(ground, 1000, 1000)
    hole = cv2.circle(np.zeros((1000, 1000), np.uint8), (500, 500), 380, 1, 190) > 0

    filled = inpaint(np.where(hole[..., None], 0, photo), hole, InpaintOptions(reach_px=100_000))

    assert np.array_equal(filled[~hole], photo[~hole])
    assert out_of_range(filled, hole) == 0


@pytest.mark.parametrize("solved_px", [2_000, 40_000])
def test_so_is_one_of_which_is_told_what_it_belongs_to(solved_px):
    photo = a_photo("light", 420, 500)
    photo[:, 250:] = a_photo("dark", 420, 500)[:, 250:]
    hole = a_disc(420, 500, 130)
    belonging = np.where(np.arange(50) < 25, 1, -1) * np.ones((42, 50), np.float32)

    filled = inpaint(
        np.where(hole[..., None], 0, photo), hole, InpaintOptions(solved_px=solved_px), belonging=belonging
    )

    assert out_of_range(filled, hole) == 0
    # Light stays light and dark stays dark, also in the middle.
    assert filled[200:220, 180:230].mean() > 180
    assert filled[200:220, 270:320].mean() < 90


def test_a_hole_that_leaves_only_a_frame_is_finite_and_in_range():
    photo = a_photo("textured", 300, 300)
    hole = np.zeros((300, 300), bool)
    hole[12:-12, 12:-12] = True

    filled = inpaint(np.where(hole[..., None], 0, photo), hole)

    assert out_of_range(filled, hole) == 0


def test_a_membrane_across_a_deep_hole_stays_between_what_is_at_its_rim():
    plane = np.full((700, 700, 1), 90, np.float32)
    plane[:, 350:] = 120
    hole = a_disc(700, 700, 320)

    skin = membrane(np.where(hole[..., None], -1e6, plane).astype(np.float32), hole)

    assert np.isfinite(skin).all()
    assert skin[hole].min() > 89
    assert skin[hole].max() < 121
