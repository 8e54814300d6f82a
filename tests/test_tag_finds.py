"""Tags are found and shown before any is removed, and a choice of them makes a mask."""

import numpy as np
import pytest

import runflow_widgets as rf
from runflow_widgets.errors import InputError


@pytest.fixture(scope="module")
def mug():
    return rf.samples.load("tagged_mug")


@pytest.fixture(scope="module")
def finds(mug):
    return rf.find_tags(mug)


def test_both_tags_of_the_mug_are_found_the_surest_first(mug, finds):
    assert len(finds) == 2
    assert finds[0].score >= finds[1].score > 0.5
    assert {find.has_string for find in finds} == {True, False}
    for find in finds:
        left, top, width, height = find.box
        assert 0 <= left < left + width <= mug.width
        assert 0 <= top < top + height <= mug.height


def test_the_mask_covers_the_boxes_and_a_choice_only_its_own(mug, finds):
    whole, first, second = (np.asarray(mask) for mask in (finds.mask, finds.mask_of([0]), finds.mask_of([1])))

    assert whole.shape == (mug.height, mug.width)
    assert set(np.unique(whole)) == {0, 255}
    assert np.array_equal(whole, np.maximum(first, second))
    assert first.any()
    assert second.any()
    assert not (first & second).all()


def test_a_chosen_mask_is_what_object_removal_takes(mug, finds):
    mask = finds.mask_of([1])

    run = rf.run("runflow/object-removal", image=mug, mask=mask)

    before, after, removed = np.asarray(mug.convert("RGB")), np.asarray(run.result().image), np.asarray(mask) > 0
    changed = (before != after).any(axis=2)
    assert changed[removed].mean() > 0.9
    # The other tag is still there.
    other = np.asarray(finds.mask_of([0])) > 0
    assert changed[other & ~removed].mean() < 0.05


def test_it_reads_like_a_list(finds):
    assert repr(finds).startswith("TagFinds: 2\n  0: ")
    assert finds[:1] == (finds[0],)
    assert finds[-1] == list(finds)[1]


def test_a_number_that_is_none_is_a_sentence(finds):
    with pytest.raises(InputError, match="There is no find 7; there are 2"):
        finds.mask_of([7])


def test_a_picture_without_tags_has_an_empty_list_and_an_empty_mask():
    finds = rf.find_tags(np.full((90, 120, 3), 200, np.uint8))

    assert len(finds) == 0
    assert not np.asarray(finds.mask).any()
