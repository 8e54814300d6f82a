"""A mask can be painted, merged, loaded and taken back step by step, and is never left half changed."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from runflow_widgets.errors import InputError
from runflow_widgets.painting import Box, Patch, Sheet


def a_patch(left, top, right, bottom):
    return Patch(Box(left, top, right, bottom), np.ones((bottom - top, right - left), np.bool_))


def a_sheet(*boxes, size=(12, 8)):
    sheet = Sheet(size)
    for box in boxes:
        sheet.paint(a_patch(*box))
    return sheet


def marked(sheet):
    return {(int(x), int(y)) for y, x in np.argwhere(sheet.pixels)}


def test_a_new_sheet_marks_nothing_and_has_no_steps():
    sheet = Sheet((12, 8))

    assert sheet.pixels.shape == (8, 12)
    assert (sheet.coverage, sheet.bbox, sheet.version) == (0, None, 0)
    assert (sheet.can_undo, sheet.can_redo, sheet.undo(), sheet.redo()) == (None, None, None, None)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-3, 4)])
def test_a_sheet_without_pixels_is_refused(size):
    with pytest.raises(InputError, match="has no pixels"):
        Sheet(size)


# ---------------------------------------------------------------------- painting


def test_painting_marks_exactly_the_pixels_of_the_patch():
    ring = np.ones((3, 3), np.bool_)
    ring[1, 1] = False
    sheet = Sheet((12, 8))

    changed = sheet.paint(Patch(Box(4, 2, 7, 5), ring))

    assert changed == Box(4, 2, 7, 5)
    assert marked(sheet) == {(x, y) for x in (4, 5, 6) for y in (2, 3, 4)} - {(5, 3)}
    assert set(np.unique(sheet.pixels)) == {0, 255}


def test_only_what_really_changed_is_reported():
    sheet = a_sheet((0, 0, 6, 8))

    changed = sheet.paint(a_patch(4, 1, 9, 3))

    assert changed == Box(6, 1, 9, 3)


def test_erasing_unmarks():
    sheet = a_sheet((0, 0, 6, 4))

    changed = sheet.paint(a_patch(2, 1, 12, 8), erase=True, name="eraser")

    assert changed == Box(2, 1, 6, 4)
    assert sheet.can_undo == "eraser"
    assert len(marked(sheet)) == 12


@pytest.mark.parametrize("erase", [True, False])
def test_what_changes_nothing_is_no_step(erase):
    sheet = a_sheet() if erase else a_sheet((0, 0, 12, 8))
    before = sheet.version, sheet.step_names

    changed = sheet.paint(a_patch(2, 2, 5, 5), erase=erase)

    assert changed is None
    assert (sheet.version, sheet.step_names) == before


def test_an_empty_patch_changes_nothing():
    sheet = a_sheet()

    changed = sheet.paint(Patch(Box(3, 3, 3, 3), np.zeros((0, 0), np.bool_)))

    assert changed is None


@pytest.mark.parametrize("box", [(10, 2, 13, 4), (-1, 0, 2, 2), (0, 7, 2, 9)])
def test_a_patch_that_reaches_out_of_the_picture_is_refused_and_changes_nothing(box):
    sheet = a_sheet((0, 0, 2, 2))
    before = sheet.pixels.copy()

    with pytest.raises(InputError, match="reaches out of the picture of 12×8 px"):
        sheet.paint(a_patch(*box))

    assert np.array_equal(sheet.pixels, before)
    assert sheet.step_names == ("stroke",)


# ---------------------------------------------------------------------- merging


def test_merging_adds_replaces_or_subtracts():
    added, replaced, subtracted = (a_sheet((0, 0, 4, 4)) for _ in range(3))
    other = a_patch(2, 2, 6, 6)

    added.merge(other, "add")
    replaced.merge(other, "replace")
    subtracted.merge(other, "subtract")

    first = {(x, y) for x in range(4) for y in range(4)}
    second = {(x, y) for x in range(2, 6) for y in range(2, 6)}
    assert (marked(added), marked(replaced), marked(subtracted)) == (first | second, second, first - second)


def test_a_whole_pictures_marks_can_be_merged_too():
    marks = np.zeros((8, 12), np.bool_)
    marks[3, 5:7] = True
    sheet = Sheet((12, 8))

    changed = sheet.merge(marks, "replace", "magic select")

    assert changed == Box(5, 3, 7, 4)
    assert sheet.can_undo == "magic select"


def test_replacing_by_nothing_clears():
    sheet = a_sheet((2, 2, 6, 6))

    changed = sheet.merge(Patch.around(np.zeros((8, 12), np.bool_)), "replace")

    assert changed == Box(2, 2, 6, 6)
    assert sheet.bbox is None


@pytest.mark.parametrize("marks", [np.zeros((12, 8), np.bool_), np.zeros((8, 12), np.uint8)])
def test_marks_of_another_shape_or_kind_are_refused(marks):
    with pytest.raises(InputError, match="The marks are"):
        Sheet((12, 8)).merge(marks)


def test_an_unknown_way_of_merging_is_refused():
    with pytest.raises(InputError, match="Possible are add, replace and subtract") as refusal:
        Sheet((12, 8)).merge(a_patch(0, 0, 1, 1), "multiply")

    assert "multiply" in str(refusal.value)


# ---------------------------------------------------------------------- loading


def test_loading_replaces_everything_in_one_step():
    picture = Image.new("L", (12, 8))
    picture.paste(255, (3, 2, 5, 6))
    sheet = a_sheet((0, 0, 6, 3))
    before = sheet.pixels.copy()

    sheet.load(picture)

    assert np.array_equal(sheet.pixels, np.asarray(picture))
    assert sheet.note is None
    sheet.undo()
    assert np.array_equal(sheet.pixels, before)


def test_a_mask_of_another_size_is_refused_with_both_sizes():
    sheet = a_sheet((0, 0, 6, 3))
    before = sheet.pixels.copy()

    with pytest.raises(InputError, match=r"The mask is 8×12 px, but the picture is 12×8 px"):
        sheet.load(Image.new("L", (8, 12), 255))

    assert np.array_equal(sheet.pixels, before)


def test_a_mask_of_another_size_is_fitted_when_allowed_and_this_is_said():
    small = Image.new("L", (6, 4))
    small.putpixel((1, 1), 255)
    sheet = Sheet((12, 8))

    sheet.load(small, resize=True)

    assert marked(sheet) == {(2, 2), (3, 2), (2, 3), (3, 3)}
    assert sheet.note == "The mask was 6×4 px and was resized to 12×8 px."


def test_greys_are_cut_in_half_and_this_is_said():
    picture = Image.new("L", (12, 8), 127)
    picture.paste(128, (0, 0, 6, 8))
    sheet = Sheet((12, 8))

    sheet.load(picture)

    assert marked(sheet) == {(x, y) for x in range(6) for y in range(8)}
    assert sheet.note == "100 % of the mask was grey; what is at least half white was marked."


def test_what_is_transparent_is_not_marked():
    picture = Image.new("RGBA", (12, 8), (255, 255, 255, 0))
    picture.paste((255, 255, 255, 255), (0, 0, 2, 2))
    sheet = Sheet((12, 8))

    sheet.load(picture)

    assert sheet.bbox == Box(0, 0, 2, 2)


def test_what_is_no_picture_changes_nothing():
    sheet = a_sheet((0, 0, 6, 3))

    with pytest.raises(InputError, match="not a picture"):
        sheet.load(b"no mask at all")

    assert sheet.step_names == ("stroke",)


# ---------------------------------------------------------------------- what is told of it


def test_the_live_pixels_cannot_be_written_to():
    sheet = a_sheet((0, 0, 6, 3))

    with pytest.raises(ValueError, match="read-only"):
        sheet.pixels[0, 0] = 9


def test_the_picture_is_a_copy():
    sheet = a_sheet((0, 0, 6, 3))

    picture = sheet.picture()
    sheet.clear()

    assert (picture.mode, picture.size) == ("L", (12, 8))
    assert picture.getbbox() == (0, 0, 6, 3)


@pytest.mark.parametrize(
    ("boxes", "size", "sentence"),
    [
        ([], (12, 8), "marks nothing"),
        ([(0, 0, 12, 8)], (12, 8), "marks the whole picture"),
        ([(3, 3, 6, 7)], (100, 100), "marks 12 pixels"),
        ([(3, 3, 4, 4)], (100, 100), "marks 1 pixel:"),
        ([(3, 3, 20, 20)], (5000, 1000), "marks 289 pixels"),
    ],
)
def test_a_mask_that_a_model_may_not_like_is_warned_of(boxes, size, sentence):
    assert sentence in a_sheet(*boxes, size=size).warning


@pytest.mark.parametrize("size", [(12, 8), (100, 100), (1000, 1000)])
def test_a_mask_of_fair_size_is_not_warned_of(size):
    assert a_sheet((2, 2, size[0] // 2, size[1] // 2), size=size).warning is None


# ---------------------------------------------------------------------- back and forth


def test_steps_are_taken_back_and_done_again_by_name():
    sheet = a_sheet((0, 0, 3, 3))
    sheet.invert()

    names = []
    while name := sheet.can_undo:
        names.append(name)
        sheet.undo()

    assert names == ["invert", "stroke"]
    assert sheet.coverage == 0
    assert (sheet.can_redo, sheet.redo(), sheet.can_redo) == ("stroke", Box(0, 0, 3, 3), "invert")


def test_a_new_step_forgets_what_was_taken_back():
    sheet = a_sheet((0, 0, 3, 3), (4, 4, 6, 6))
    sheet.undo()

    sheet.paint(a_patch(7, 0, 8, 1))

    assert (sheet.can_redo, sheet.redo()) == (None, None)
    assert sheet.step_names == ("stroke", "stroke")


def test_every_change_counts_up_and_so_does_every_way_back():
    sheet = a_sheet((0, 0, 3, 3))

    versions = [sheet.version]
    for change in (sheet.invert, sheet.undo, sheet.redo, sheet.redo):
        change()
        versions.append(sheet.version)

    assert versions == [1, 2, 3, 4, 4]


def test_fifty_steps_are_kept_and_the_oldest_are_dropped():
    sheet = Sheet((60, 1))
    for x in range(60):
        sheet.paint(a_patch(x, 0, x + 1, 1))

    undone = 0
    while sheet.undo():
        undone += 1

    assert undone == 50
    assert sheet.bbox == Box(0, 0, 10, 1)


def test_fifty_inversions_of_twelve_megapixels_stay_under_a_megabyte():
    sheet = Sheet((4000, 3000))
    rows, columns = np.ogrid[-900:900, -900:900]
    sheet.paint(Patch(Box(400, 600, 2200, 2400), rows * rows + columns * columns < 890 * 890))

    for _ in range(50):
        sheet.invert()

    assert len(sheet.step_names) == 50
    assert sheet.steps_bytes < 1_000_000


def test_strokes_from_many_threads_all_arrive():
    sheet = Sheet((40, 40))
    start = threading.Barrier(8)

    def stroke(column):
        start.wait()
        for y in range(5):
            sheet.paint(a_patch(column, y, column + 1, y + 1))

    threads = [threading.Thread(target=stroke, args=(column,)) for column in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(marked(sheet)) == sheet.version == len(sheet.step_names) == 40


def test_who_holds_the_lock_is_alone():
    sheet = Sheet((12, 8))
    painter = threading.Thread(target=lambda: sheet.paint(a_patch(0, 0, 1, 1)))

    with sheet.lock:
        painter.start()
        painter.join(0.05)
        seen = sheet.version
        sheet.invert()
    painter.join()

    assert seen == 0
    assert sheet.step_names == ("invert",)


# ---------------------------------------------------------------------- whatever is done

SIZE = (17, 11)
sizes = st.integers(1, 6)
points = st.tuples(st.integers(0, SIZE[0] - 1), st.integers(0, SIZE[1] - 1))
marks = st.binary(min_size=SIZE[0] * SIZE[1], max_size=SIZE[0] * SIZE[1]).map(
    lambda data: np.frombuffer(data, np.uint8).reshape(SIZE[::-1]) > 200
)
actions = st.one_of(
    st.tuples(st.just("grow"), sizes),
    st.tuples(st.just("shrink"), sizes),
    st.tuples(st.just("smooth"), sizes),
    st.tuples(st.just("remove_specks"), sizes),
    st.tuples(st.sampled_from(["clear", "invert", "fill_holes", "undo", "redo"])),
    st.tuples(st.just("merge"), marks, st.sampled_from(["add", "replace", "subtract"])),
    st.tuples(st.just("fill_at"), points.map(lambda p: p[0]), points.map(lambda p: p[1])),
    st.tuples(st.just("load"), marks),
)


def act(sheet, action):
    name, *arguments = action
    return getattr(sheet, name)(*arguments)


@given(st.lists(actions, max_size=12))
@settings(max_examples=150)
def test_undoing_any_sequence_gives_back_every_mask_on_the_way(sequence):
    sheet = Sheet(SIZE)
    masks = [sheet.pixels.copy()]
    for action in sequence:
        if action[0] in ("undo", "redo"):
            continue
        if act(sheet, action):
            masks.append(sheet.pixels.copy())

    for before in masks[-2::-1]:
        sheet.undo()
        assert np.array_equal(sheet.pixels, before)

    for after in masks[1:]:
        sheet.redo()
        assert np.array_equal(sheet.pixels, after)


@given(st.lists(actions, max_size=12))
@settings(max_examples=150)
def test_what_is_reported_is_always_what_changed(sequence):
    sheet = Sheet(SIZE)

    for action in sequence:
        before, version = sheet.pixels.copy(), sheet.version
        changed = act(sheet, action)

        differs = np.argwhere(sheet.pixels != before)
        tight = (*differs.min(axis=0)[::-1], *(differs.max(axis=0)[::-1] + 1)) if len(differs) else None
        assert (changed and (changed.left, changed.top, changed.right, changed.bottom)) == tight
        assert sheet.version - version == (changed is not None)


@given(st.lists(actions, max_size=12))
@settings(max_examples=150)
def test_coverage_box_and_values_are_always_those_of_the_mask(sequence):
    sheet = Sheet(SIZE)

    for action in sequence:
        act(sheet, action)
        fresh = Sheet(SIZE)
        fresh.merge(sheet.pixels > 0)
        assert set(np.unique(sheet.pixels)) <= {0, 255}
        assert sheet.coverage == pytest.approx(np.mean(sheet.pixels > 0))
        assert sheet.bbox == (Patch.around(sheet.pixels > 0).box or None)


@given(marks)
def test_inverting_twice_gives_the_mask_back(marked_before):
    sheet = Sheet(SIZE)
    sheet.merge(marked_before)

    sheet.invert()
    sheet.invert()

    assert np.array_equal(sheet.pixels > 0, marked_before)
