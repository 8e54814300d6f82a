"""Growing, shrinking, smoothing and filling do what a round brush and a bucket would do, at any size."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.errors import InputError
from runflow_widgets.painting import Box, Patch, Sheet, refine

SIZE = (19, 13)
marks = st.binary(min_size=SIZE[0] * SIZE[1], max_size=SIZE[0] * SIZE[1]).map(
    lambda data: np.frombuffer(data, np.uint8).reshape(SIZE[::-1]) > 225
)


def a_sheet(drawing):
    """A sheet of a drawing in which # is marked."""
    return sheet_of(np.array([[letter == "#" for letter in line] for line in drawing.split()]))


def sheet_of(marked):
    sheet = Sheet(marked.shape[::-1])
    sheet.merge(marked)
    return sheet


def drawn(sheet):
    return "\n".join("".join("#" if value else "." for value in row) for row in sheet.pixels)


def lines(drawing):
    return "\n".join(drawing.split())


def grown_by_hand(marked, px):
    """Stamp a disc on every marked pixel, one after the other."""
    grown = np.zeros(np.add(marked.shape, 2 * px), np.bool_)
    rows, columns = np.ogrid[-px : px + 1, -px : px + 1]
    disc = rows * rows + columns * columns <= px * px
    for y, x in np.argwhere(marked):
        grown[y : y + 2 * px + 1, x : x + 2 * px + 1] |= disc
    return grown[px:-px, px:-px]


@given(marks, st.integers(1, 7))
def test_growing_is_the_same_as_stamping_a_disc_on_every_pixel(marked, px):
    sheet = sheet_of(marked)

    sheet.grow(px)

    assert np.array_equal(sheet.pixels > 0, grown_by_hand(marked, px))


@given(marks, st.integers(1, 7))
def test_shrinking_is_growing_what_is_not_marked(marked, px):
    sheet = sheet_of(~marked)

    sheet.shrink(px)

    assert np.array_equal(sheet.pixels == 0, grown_by_hand(marked, px))


@given(marks, st.integers(1, 5))
def test_growing_then_shrinking_loses_nothing_and_the_other_way_round_adds_nothing(marked, px):
    closed, opened = sheet_of(marked), sheet_of(~marked)

    closed.grow(px)
    closed.shrink(px)
    opened.shrink(px)
    opened.grow(px)

    assert not (marked & (closed.pixels == 0)).any()
    assert not (marked & (opened.pixels > 0)).any()


@pytest.fixture(params=[1, 2])
def threads(request):
    """So many threads of OpenCV, which reckons distances in another way when there is one."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(request.param)
    yield request.param
    cv2.setNumThreads(before)


@pytest.mark.parametrize("px", [300, 999, 1000])
def test_a_large_disc_is_exact_too(px, threads):
    side = 2 * px + 41
    sheet = Sheet((side, side))
    sheet.paint(Patch(Box(px + 20, px + 20, px + 21, px + 21), np.ones((1, 1), np.bool_)))

    sheet.grow(px)

    offsets = np.arange(side) - (px + 20)
    truth = offsets[:, None] ** 2 + offsets**2 <= px * px
    assert np.argwhere((sheet.pixels > 0) != truth).tolist() == []


def test_a_band_about_a_straight_edge_is_exact_too(threads):
    marked = np.zeros((1300, 2300), np.bool_)
    marked[:, :200] = True
    marked[700, 230] = marked[80, 215] = True
    sheet = sheet_of(marked)

    sheet.grow(1000)

    columns, rows = np.arange(2300), np.arange(1300)[:, None]
    truth = columns - 199 <= 1000
    for y, x in [(700, 230), (80, 215)]:
        truth = truth | ((rows - y) ** 2 + (columns - x) ** 2 <= 1_000_000)
    assert np.argwhere((sheet.pixels > 0) != truth).tolist() == []


def test_a_tall_mask_is_grown_alike_across_the_strips_it_is_worked_in():
    marked = np.zeros((2500, 9), np.bool_)
    marked[[5, 1020, 1024, 1030, 2047, 2490], [4, 0, 8, 4, 4, 4]] = True
    sheet = sheet_of(marked)

    sheet.grow(40)

    assert np.array_equal(sheet.pixels > 0, grown_by_hand(marked, 40))


def test_shrinking_takes_nothing_along_the_pictures_edge():
    sheet = a_sheet("""
        ####...
        ####...
        ####...
        """)

    sheet.shrink(1)

    assert drawn(sheet) == lines("""
        ###....
        ###....
        ###....
        """)


@pytest.mark.parametrize("method", ["grow", "shrink", "smooth", "remove_specks", "fill_holes"])
@pytest.mark.parametrize("px", [0, -3, 1001, 2.5])
def test_a_distance_that_cannot_be_worked_with_is_refused(method, px):
    sheet = a_sheet("#..")

    with pytest.raises(InputError, match="Use whole pixels from 1 to 1000"):
        getattr(sheet, method)(px)

    assert drawn(sheet) == "#.."


@pytest.mark.parametrize("method", ["grow", "shrink", "smooth", "remove_specks"])
def test_nothing_comes_of_refining_an_empty_mask(method):
    sheet = Sheet((5, 5))

    changed = getattr(sheet, method)(2)

    assert changed is None


@pytest.mark.parametrize("method", ["grow", "shrink", "smooth"])
def test_a_full_mask_stays_full(method):
    sheet = Sheet((9, 9))
    sheet.invert()

    changed = getattr(sheet, method)(2)

    assert changed is None


def test_smoothing_takes_bumps_and_closes_notches_but_leaves_a_straight_edge():
    marked = np.zeros((80, 80), np.bool_)
    marked[:, :40] = True
    marked[40, 40:43] = True
    marked[20, 36:40] = False
    sheet = sheet_of(marked)

    sheet.smooth(9)

    straight = np.zeros((80, 80), np.bool_)
    straight[:, :40] = True
    assert np.array_equal(sheet.pixels > 0, straight)


@pytest.mark.parametrize("px", [3, 8, 20])
def test_smoothing_hardly_changes_how_much_is_marked(px):
    rows, columns = np.ogrid[-100:100, -100:100]
    marked = rows * rows + columns * columns < 70 * 70
    sheet = sheet_of(marked)

    sheet.smooth(px)

    assert sheet.coverage == pytest.approx(marked.mean(), rel=0.03)


def test_specks_go_and_long_thin_pieces_stay():
    sheet = a_sheet("""
        #....##..
        ...####..
        .........
        ########.
        """)

    sheet.remove_specks(2)

    assert drawn(sheet) == lines("""
        .....##..
        ...####..
        .........
        ########.
        """)


def test_pieces_that_touch_by_corners_are_one_piece():
    sheet = a_sheet("""
        #...
        .#..
        ..#.
        """)

    changed = sheet.remove_specks(2)

    assert changed is None


def test_holes_are_filled_and_bays_are_not():
    sheet = a_sheet("""
        .#####.
        .#...#.
        .###.##
        ...#.#.
        ####.#.
        #..#.#.
        ####.#.
        """)

    sheet.fill_holes()

    assert drawn(sheet) == lines("""
        .#####.
        .#...#.
        .###.##
        ...#.#.
        ####.#.
        ####.#.
        ####.#.
        """)


def test_a_ring_closed_by_corners_only_still_has_a_hole():
    sheet = a_sheet("""
        .#.
        #.#
        .#.
        """)

    changed = sheet.fill_holes()

    assert changed == Box(1, 1, 2, 2)


def test_only_small_holes_are_filled_when_asked():
    sheet = a_sheet("""
        ########
        #.#...##
        ########
        """)

    sheet.fill_holes(1)

    assert drawn(sheet) == lines("""
        ########
        ###...##
        ########
        """)


def test_the_bucket_marks_the_area_that_is_clicked_and_the_eraser_unmarks_it():
    sheet = a_sheet("""
        ..#..
        ..#..
        ..#.#
        """)

    filled = sheet.fill_at(0, 1)
    emptied = sheet.fill_at(4, 2, erase=True)

    assert (filled, emptied) == (Box(0, 0, 2, 3), Box(4, 2, 5, 3))
    assert drawn(sheet) == lines("""
        ###..
        ###..
        ###..
        """)


@pytest.mark.parametrize(("point", "erase"), [((0, 0), True), ((2, 0), False)])
def test_the_bucket_changes_nothing_where_it_is_so_already(point, erase):
    sheet = a_sheet("..#..")

    changed = sheet.fill_at(*point, erase=erase)

    assert changed is None
    assert sheet.step_names == ("merge",)


@pytest.mark.parametrize("point", [(-1, 0), (5, 0), (0, 1)])
def test_a_bucket_beside_the_picture_is_refused(point):
    with pytest.raises(InputError, match="lies outside the picture of 5×1 px"):
        a_sheet("..#..").fill_at(*point)


@pytest.mark.parametrize("turned", [False, True])
def test_a_strip_longer_than_sixteen_bits_count_is_filled_right(turned):
    marked = np.zeros((9, 66_000), np.bool_)
    marked[2:7, 65_900:65_950] = True
    marked[4, 65_920] = False
    sheet = sheet_of(np.ascontiguousarray(marked.T) if turned else marked)

    sheet.fill_holes()
    hole = sheet.marked_px
    sheet.fill_at(0, 0)

    assert hole == 250
    assert sheet.coverage == 1


@pytest.mark.slow
@pytest.mark.parametrize("change", [lambda s: s.grow(100), lambda s: s.shrink(100), lambda s: s.smooth(100)])
def test_a_large_radius_on_48_megapixels_takes_seconds_at_most(change):
    sheet = Sheet((8000, 6000))
    rows, columns = np.ogrid[-2500:2500, -3500:3500]
    sheet.paint(Patch(Box(500, 500, 7500, 5500), rows * rows * 2 + columns * columns < 3400 * 3400))

    began = time.perf_counter()
    change(sheet)
    took_s = time.perf_counter() - began

    # It takes half a second; a machine that is busy with something else gets its time too.
    assert took_s < 8


def test_the_parts_worked_in_do_not_show():
    """A mask in a corner gives the same as the whole picture would, for every change."""
    rng = np.random.default_rng(5)
    marked = np.zeros((60, 70), np.bool_)
    marked[20:40, 30:50] = rng.random((20, 20)) < 0.7
    whole = marked.astype(np.uint8) * 255

    for method, px in (("grow", 6), ("shrink", 2), ("smooth", 5), ("remove_specks", 2), ("fill_holes", None)):
        sheet = sheet_of(marked)
        work = {"remove_specks": refine.without_specks, "fill_holes": refine.without_holes}.get(method)
        getattr(sheet, method)(px)
        assert np.array_equal(sheet.pixels, (work or getattr(refine, method))(whole, px)), method
