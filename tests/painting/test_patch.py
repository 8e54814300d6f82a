"""A box says where in a picture something is, a patch which pixels of it are meant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.errors import InputError
from runflow_widgets.painting import Box, Patch

numbers = st.integers(-20, 40)
boxes = st.builds(Box, numbers, numbers, numbers, numbers)


@given(boxes)
def test_a_clipped_box_covers_exactly_what_lies_in_the_picture(box):
    inside = np.zeros((16, 20), np.bool_)
    expected = [(x, y) for y in range(16) for x in range(20) if box.left <= x < box.right and box.top <= y < box.bottom]

    inside[box.clipped((20, 16)).slices] = True

    assert [(int(x), int(y)) for y, x in np.argwhere(inside)] == expected


@given(boxes, boxes)
def test_a_union_holds_both_and_an_empty_box_adds_nothing(one, other):
    union = one.union(other)

    for box in (one, other):
        assert not box or union.union(box) == union
    assert one or union == other


@given(boxes)
def test_a_box_is_empty_where_it_covers_no_pixel(box):
    assert box.is_empty == (box.width * box.height == 0) == (not box)


def test_a_box_is_moved_and_widened():
    assert Box(1, 2, 3, 4).moved(10, 20) == Box(11, 22, 13, 24)
    assert Box(1, 2, 3, 4).widened(1) == Box(0, 1, 4, 5)
    assert Box.whole((5, 6)) == Box(0, 0, 5, 6)


def test_a_patch_is_cut_from_a_whole_pictures_marks():
    marked = np.zeros((9, 9), np.bool_)
    marked[2, 3] = marked[5, 7] = True

    patch = Patch.around(marked)

    assert patch.box == Box(3, 2, 8, 6)
    assert patch.marked.sum() == 2


def test_a_patch_of_nothing_is_empty():
    assert not Patch.around(np.zeros((9, 9), np.bool_)).box


@pytest.mark.parametrize("marked", [np.ones((2, 3), np.bool_), np.ones((3, 2), np.uint8)])
def test_a_patch_whose_pixels_do_not_fit_its_box_is_refused(marked):
    with pytest.raises(InputError, match="The patch's pixels are"):
        Patch(Box(0, 0, 2, 3), marked)
