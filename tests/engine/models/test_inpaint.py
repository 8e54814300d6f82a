"""A filled hole continues what is around it, and nothing else of the picture changes."""

import cv2
import numpy as np
import pytest

from runflow_widgets.engine.models.inpaint import InpaintOptions, inpaint
from runflow_widgets.engine.models.membrane import membrane
from runflow_widgets.errors import InputError


def a_hole(shape, top=60, left=80, size=28):
    hole = np.zeros(shape[:2], bool)
    hole[top : top + size, left : left + size] = True
    return hole


def with_a_blot(photo, hole):
    blotted = photo.copy()
    blotted[hole] = (255, 0, 255)
    return blotted


def test_outside_the_mask_every_byte_stays(scenes):
    photo = with_a_blot(scenes.stripes(), hole := a_hole((160, 200)))

    filled = inpaint(photo, hole)

    assert np.array_equal(filled[~hole], photo[~hole])
    assert not np.array_equal(filled[hole], photo[hole])


def test_a_pattern_is_continued_better_than_by_smearing(scenes):
    truth = scenes.stripes()
    photo = with_a_blot(truth, hole := a_hole(truth.shape))

    filled = inpaint(photo, hole)
    smeared = cv2.inpaint(photo, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)

    def error(picture):
        return np.abs(picture[hole].astype(float) - truth[hole]).mean()

    assert error(filled) < 0.5 * error(smeared)


def test_nothing_of_the_blot_is_left_and_grain_is_kept(scenes):
    truth = scenes.backdrop(160, 200)
    photo = with_a_blot(truth, hole := a_hole(truth.shape))

    filled = inpaint(photo, hole)

    assert np.abs(filled[hole].astype(float) - truth[hole]).max() < 25
    assert 0.5 < filled[hole].std(axis=0).mean() / truth[hole].std(axis=0).mean() < 2


def fine_texture(photo):
    picture = photo.astype(np.float32)
    return np.abs(picture - cv2.GaussianBlur(picture, (0, 0), 2.5)).mean(axis=2)


@pytest.mark.parametrize("seed", range(3))
def test_a_thin_hole_is_as_lively_as_what_is_around_it(seed):
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (120, 200, 3)).astype(np.float32), (0, 0), 0.8)
    y, x = np.mgrid[:120, :200]
    truth = np.clip(110 + 0.2 * x[..., None] + 14 * grain / grain.std(), 0, 255).astype(np.uint8)
    hole = (np.abs(y - 60 - 20 * np.sin(x / 30)) < 6) & (x > 30) & (x < 170)

    dull, lively = (inpaint(with_a_blot(truth, hole), hole, InpaintOptions(contrast=c)) for c in (0, 0.65))

    share = fine_texture(lively)[hole].mean() / fine_texture(truth)[~hole].mean()
    assert 0.82 < share < 1.05
    assert fine_texture(dull)[hole].mean() < fine_texture(lively)[hole].mean()


def test_an_edge_goes_on_across_a_thin_hole():
    truth = np.full((120, 160, 3), 200, np.uint8)
    truth[:, 83:] = 60
    hole = np.zeros((120, 160), bool)
    hole[56:64, 40:120] = True

    filled = inpaint(with_a_blot(truth, hole), hole)

    assert np.abs(filled[hole].astype(float) - truth[hole]).mean() < 3
    # An edge, not a blur: it takes one step.
    assert (np.abs(np.diff(filled[60, 76:92, 0].astype(int))) > 100).sum() == 1


@pytest.mark.parametrize("whole_px", [4_000_000, 500])
def test_what_is_told_to_belong_together_is_filled_from_there(whole_px):
    rng = np.random.default_rng(8)
    photo = np.full((121, 160, 3), (180, 60, 50), np.uint8)
    photo[:, 80:] = (50, 70, 180)
    photo = np.clip(photo + rng.normal(0, 5, photo.shape), 0, 255).astype(np.uint8)
    hole = np.zeros((121, 160), bool)
    hole[45:80, 60:100] = True
    belonging = np.where(np.arange(160) < 80, 1, -1) * np.ones((121, 160), np.float32)
    belonging[hole] = 1
    options = InpaintOptions(whole_px=whole_px, loyalty=400)

    red = inpaint(photo, hole, options, belonging=belonging)[50:75, 65:95].mean((0, 1))
    blue = inpaint(photo, hole, options, belonging=np.where(hole, -1, belonging))[50:75, 65:95].mean((0, 1))

    assert red[0] > 1.5 * red[2]
    assert blue[2] > 1.5 * blue[0]


def test_the_same_seed_gives_the_same_pixels(scenes):
    photo, hole = scenes.stripes(), a_hole((160, 200))

    once, again = (inpaint(photo, hole, InpaintOptions(seed=4)) for _ in range(2))
    other = inpaint(photo, hole, InpaintOptions(seed=5))

    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_big_hole_is_solved_small_and_lifted(scenes):
    truth = scenes.stripes(240, 320)
    hole = a_hole(truth.shape, size=60)
    steps = scenes.Steps()

    filled = inpaint(with_a_blot(truth, hole), hole, InpaintOptions(solved_px=400), steps)

    assert steps.rise
    assert np.abs(filled[hole].astype(float) - truth[hole]).mean() < 45
    assert 0.5 < filled[hole].std() / truth[hole].std() < 1.5


def test_a_long_scratch_is_filled_part_by_part_as_well_as_whole(scenes):
    truth = scenes.backdrop(900, 1300)
    hole = np.zeros(truth.shape[:2], np.uint8)
    cv2.line(hole, (30, 40), (1270, 850), 1, 9)
    hole = hole > 0
    photo = with_a_blot(truth, hole)

    whole, parts = (inpaint(photo, hole, InpaintOptions(reach_px=px)) for px in (10**9, 10**5))

    error_whole, error_parts = (np.abs(filled[hole] - truth[hole].astype(float)).mean() for filled in (whole, parts))
    assert (whole[hole] != parts[hole]).any()
    assert error_parts < 2 * error_whole < 6
    assert (parts[~hole] == photo[~hole]).all()


def test_a_hole_too_large_for_the_memory_is_filled_at_half_the_size(scenes):
    truth = scenes.backdrop(301, 403)
    photo = with_a_blot(truth, hole := a_hole(truth.shape, 90, 120, 111))

    filled = inpaint(photo, hole, InpaintOptions(whole_px=5_000))

    assert np.abs(filled[hole].astype(float) - truth[hole]).max() < 30
    assert (filled[~hole] == photo[~hole]).all()


@pytest.mark.parametrize("blot", [0, 60])
def test_specks_that_vanish_in_a_smaller_picture_are_filled(scenes, blot):
    """A mask that was made by a threshold has them."""
    truth = scenes.backdrop(240, 320)
    hole = a_hole(truth.shape, size=blot)
    hole[44:200:5, 64:220:5] = True

    filled = inpaint(with_a_blot(truth, hole), hole, InpaintOptions(solved_px=200))

    assert np.abs(filled[hole].astype(float) - truth[hole]).max() < 60


def test_several_holes_and_holes_at_the_frame_are_filled(scenes):
    truth = scenes.backdrop(160, 200)
    hole = a_hole(truth.shape, 0, 0, 20) | a_hole(truth.shape, 100, 150, 60) | a_hole(truth.shape, 70, 70, 5)

    filled = inpaint(with_a_blot(truth, hole), hole)

    assert np.abs(filled[hole].astype(float) - truth[hole]).mean() < 15


@pytest.mark.parametrize(("height", "width"), [(8, 8), (20, 90), (64, 64), (65, 71)])
def test_small_and_odd_sizes_work_even_if_little_is_left(height, width):
    photo = np.full((height, width, 3), 90, np.uint8)
    hole = np.zeros((height, width), bool)
    hole[1:-1, 1:-1] = True

    filled = inpaint(with_a_blot(photo, hole), hole)

    assert np.abs(filled.astype(int) - 90).max() <= 2


def test_an_empty_mask_changes_nothing(scenes):
    photo = scenes.stripes()

    assert np.array_equal(inpaint(photo, np.zeros((160, 200), bool)), photo)


@pytest.mark.parametrize(
    ("hole", "sentence"), [(np.ones((160, 200), bool), "whole photo"), (np.zeros((3, 3), bool), "shape")]
)
def test_a_mask_that_cannot_be_used_is_refused(scenes, hole, sentence):
    with pytest.raises(InputError, match=sentence):
        inpaint(scenes.stripes(), hole)


def test_a_membrane_is_smooth_and_lies_between_its_rims():
    ramp = np.tile(np.linspace(0, 100, 40, dtype=np.float32)[None, :, None], (30, 1, 1))
    hole = np.zeros((30, 40), bool)
    hole[8:22, 12:28] = True

    filled = membrane(np.where(hole[..., None], -500, ramp).astype(np.float32), hole)

    assert np.abs(filled - ramp).max() < 4
    assert np.array_equal(filled[~hole], ramp[~hole])
