"""Another format never cuts the product, and what is added looks like the backdrop."""

import numpy as np
import pytest

from runflow_widgets.engine.models.canvas import place, reframe, reframe_plane
from runflow_widgets.engine.ratio import ratio_of
from runflow_widgets.errors import InputError


@pytest.mark.parametrize("ratio", [(1, 1), (16, 9), (9, 16), (4, 3), (3, 4), (21, 9), (2, 3), (7, 5)])
@pytest.mark.parametrize("radius", [20, 80])
def test_the_format_is_met_and_the_product_is_whole(scenes, ratio, radius):
    photo, product = scenes.disc(radius=radius)

    placement = place(product, ratio)
    framed, where = reframe(photo, placement), reframe_plane(product.astype(np.float32), placement, 0)

    height, width = framed.shape[:2]
    assert abs(width / height - ratio[0] / ratio[1]) < 0.02 * ratio[0] / ratio[1]
    assert where.shape == (height, width)
    assert where.sum() == product.sum()
    assert np.array_equal(framed[where > 0], photo[product])


def test_a_small_product_is_cropped_to_and_a_large_one_continued_around(scenes):
    _, small = scenes.disc(radius=20)
    _, large = scenes.disc(radius=85)

    assert "cropped" in place(small, (1, 1)).sentence
    assert "continued" in place(large, (3, 1)).sentence


def test_the_same_format_leaves_the_very_photo(scenes):
    photo, product = scenes.disc()

    placement = place(product, (4, 3))

    assert "already" in placement.sentence
    assert reframe(photo, placement) is photo


@pytest.mark.parametrize("ratio", [(3, 1), (1, 3)])
def test_what_is_added_has_the_light_and_grain_of_the_edge(scenes, ratio):
    photo, product = scenes.disc(radius=85)

    placement = place(product, ratio)
    framed = reframe(photo, placement).astype(float)

    added = reframe_plane(np.ones(product.shape, np.float32), placement, 0) == 0
    assert added.any()
    assert 150 < framed[added].mean() < 235
    assert 0.5 < np.abs(np.diff(framed, axis=1))[added[:, 1:]].mean() < 6
    assert np.array_equal(reframe(photo, placement), reframe(photo, placement))


def test_without_a_product_the_middle_is_kept():
    placement = place(np.zeros((100, 200), bool), (1, 1))

    assert (placement.width, placement.height) == (200, 200)


@pytest.mark.parametrize("text", ["", "16x9", "0:1", "-1:2", "1:2:3", "a:b", "1.5:1", "40:1", None, 1.5])
def test_what_is_no_ratio_is_refused_with_its_field(text):
    with pytest.raises(InputError) as refusal:
        ratio_of(text, "config.aspect_ratio")

    assert refusal.value.field == "config.aspect_ratio"


def test_any_two_whole_numbers_are_a_ratio():
    assert ratio_of(" 7 : 5", "aspect_ratio") == (7, 5)
