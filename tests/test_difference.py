"""How much two pictures differ, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runflow_widgets.errors import InputError
from runflow_widgets.images import maps, measure


def plain(value, height=20, width=30, channels=3, dtype=np.uint8):
    return np.full((height, width, channels), value, dtype)


def test_equal_pictures_differ_in_nothing():
    found = measure(plain(90), plain(90))

    assert (found.whole.changed(), found.whole.maximum, found.whole.mean) == (0, 0, 0)
    assert found.psnr_db == math.inf
    assert found.ssim == pytest.approx(1)


def test_one_changed_pixel_is_counted_to_the_last_digit():
    before, after = plain(100), plain(100)
    after[3, 4] = (110, 100, 70)

    found = measure(before, after)

    assert found.whole.changed() == 1 / 600
    assert found.whole.maximum == 30
    assert found.whole.mean == pytest.approx((10 + 0 + 30) / (600 * 3))
    assert found.psnr_db == pytest.approx(10 * math.log10(255**2 / ((100 + 900) / 1800)))


def test_a_pixel_counts_as_changed_when_its_channel_that_differs_most_passes_the_threshold():
    before, after = plain(100), plain(100)
    after[0, 0] = (100, 100, 105)
    after[0, 1] = (106, 100, 100)

    whole = measure(before, after).whole

    assert [whole.changed(threshold) * 600 for threshold in (0, 4, 5, 6)] == [2, 2, 1, 0]


def test_ssim_of_two_plain_pictures_is_their_formula():
    light, dark = 120.0, 60.0
    steady = (0.01 * 255) ** 2

    found = measure(plain(120), plain(60))

    assert found.ssim == pytest.approx((2 * light * dark + steady) / (light**2 + dark**2 + steady))


def test_ssim_does_not_depend_on_the_strips_that_the_work_is_cut_into():
    before = np.random.default_rng(1).integers(0, 256, (600, 40, 3), dtype=np.uint8)
    after = np.random.default_rng(2).integers(0, 256, (600, 40, 3), dtype=np.uint8)

    upright = measure(before, after)
    turned = measure(before.transpose(1, 0, 2), after.transpose(1, 0, 2))

    assert upright.ssim == pytest.approx(turned.ssim, abs=1e-9)
    assert upright.psnr_db == pytest.approx(turned.psnr_db)
    assert upright.whole.histogram == turned.whole.histogram


def test_inside_and_outside_of_a_mask_are_counted_apart():
    before, after = plain(100), plain(100)
    mask = np.zeros((20, 30), bool)
    mask[:10] = True
    after[:10] = 150
    after[19, 29] = 103

    found = measure(before, after, mask)

    assert (found.inside.pixels, found.outside.pixels) == (300, 300)
    assert (found.inside.changed(), found.inside.maximum, found.inside.mean) == (1, 50, 50)
    assert (found.outside.changed(), found.outside.maximum) == (1 / 300, 3)
    assert found.outside.mean == pytest.approx(3 / 300)


def test_what_lies_under_full_transparency_does_not_matter():
    before, after = plain(0, channels=4), plain(0, channels=4)
    before[..., :3], after[..., :3] = 255, 17

    assert measure(before, after).whole.changed() == 0


def test_a_colour_counts_as_much_as_it_covers():
    before, after = plain(255, channels=4), plain(255, channels=4)
    before[..., 3] = after[..., 3] = 128
    after[..., :3] = 155

    found = measure(before, after)

    assert found.whole.maximum == 128 - round(155 * 128 / 255)


def test_only_the_alpha_differs_and_that_is_seen():
    before, after = plain(0, channels=4), plain(0, channels=4)
    before[..., 3], after[..., 3] = 255, 205

    found = measure(before, after)

    assert (found.whole.changed(), found.whole.maximum, found.whole.mean) == (1, 50, 50 / 4)


def test_an_opaque_picture_is_compared_with_one_that_has_alpha():
    opaque, cut = plain(90), plain(90, channels=4)
    cut[..., 3] = 255

    assert measure(opaque, cut).whole.changed() == 0


def test_grey_is_compared_with_colour():
    assert measure(np.full((20, 30), 90, np.uint8), plain(90)).whole.changed() == 0


def test_sixteen_bits_are_compared_as_sixteen_bits():
    before, after = plain(1000, dtype=np.uint16), plain(1000, dtype=np.uint16)
    after[0, 0] = 1001
    after[0, 1] = 1000 + 257 * 3

    found = measure(before, after)

    assert found.whole.changed() == 2 / 600
    assert found.whole.changed(1) == 1 / 600
    assert found.whole.maximum == 3
    assert found.psnr_db == pytest.approx(10 * math.log10(65535**2 / ((1 + 771**2) / 600)))


def test_sixteen_bits_with_alpha_do_not_overflow():
    before, after = plain(65535, channels=4, dtype=np.uint16), plain(65535, channels=4, dtype=np.uint16)
    after[..., 0] = 0

    assert measure(before, after).whole.maximum == 255


@pytest.mark.parametrize(
    ("before", "after", "mask", "sentence"),
    [
        (plain(1), plain(1, width=31), None, r"The pictures differ in size: 30×20 and 31×20 px\."),
        (plain(1), plain(1), np.zeros((3, 4), bool), r"The mask is 4×3 px, but the pictures are 30×20 px\."),
        (plain(1), plain(1, dtype=np.uint16), None, r"The pictures hold uint8 and uint16\."),
        (plain(1, dtype=np.float64), plain(1, dtype=np.float64), None, r"The pictures hold float64 and float64\."),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(before, after, mask, sentence):
    with pytest.raises(InputError, match=sentence):
        measure(before, after, mask)


def test_the_maps_lose_no_changed_pixel_however_small_they_are():
    before, after = plain(100, 401, 3001), plain(100, 401, 3001)
    after[400, 3000] = (100, 109, 100)

    found = maps(before, after, longest_px=1024)

    assert found.factor == 3
    assert found.absolute.shape == (134, 1001, 3)
    assert found.absolute[-1, -1].tolist() == [0, 9, 0]
    assert np.count_nonzero(found.absolute) == 1


def test_the_signed_map_tells_brighter_from_darker_and_keeps_a_single_step():
    before, after = plain(100), plain(100)
    after[0, 0], after[0, 1], after[0, 2], after[0, 3] = 101, 99, 255, 0

    signed = maps(before, after).signed

    assert signed[0, :5].tolist() == [129, 127, 128 + 78, 78, 128]


def test_the_map_of_the_outside_leaves_out_what_the_mask_marks_to_the_pixel():
    before, after = plain(100, 40, 2100), plain(100, 40, 2100)
    mask = np.zeros((40, 2100), bool)
    mask[:, :100] = True
    after[:, :101] = 160

    found = maps(before, after, mask, longest_px=1024)

    assert found.factor == 3
    # Column 33 holds the pixels 99 to 101: one inside and changed, one outside and changed, one as it was.
    assert found.outside[0, 32:35].tolist() == [0, 60, 0]


def test_the_map_of_the_outside_needs_a_mask():
    assert maps(plain(1), plain(2)).outside is None


def test_what_only_covers_differently_is_in_the_map():
    before, after = plain(0, channels=4), plain(0, channels=4)
    after[5, 5, 3] = 40

    assert maps(before, after).absolute[5, 5].tolist() == [40, 40, 40]
