"""Shapes as pixels: against their definition, and against the browser's own arithmetic."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.painting import spans
from runflow_widgets.painting.visible import Shown, View, marked_on_screen, outline, runs

SIZE = (60, 40)
MODULE = Path(spans.__file__).parents[1] / "widgets" / "static" / "mask_ink.js"
COORDINATE = st.floats(-20, 80, allow_nan=False, width=32)


def whole(patch, size=SIZE):
    canvas = np.zeros(size[::-1], bool)
    canvas[patch.box.slices] = patch.marked
    return canvas


def centres(size=SIZE):
    down, across = np.mgrid[0 : size[1], 0 : size[0]] + 0.5
    return across, down


@given(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=6), st.floats(1, 15, width=32))
def test_a_stroke_marks_every_pixel_whose_centre_is_within_its_radius_of_its_line(points, radius):
    across, down = centres()

    found = whole(spans.stroke([(x, y, radius) for x, y in points], SIZE))

    nearest = np.full(across.shape, np.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:] or points, strict=False):
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        along = np.clip(((across - ax) * dx + (down - ay) * dy) / square, 0, 1) if square else 0
        nearest = np.minimum(nearest, np.hypot(across - ax - along * dx, down - ay - along * dy))
    clear = np.abs(nearest - radius) > 1e-3
    np.testing.assert_array_equal(found[clear], (nearest < radius)[clear])


@given(COORDINATE, COORDINATE)
def test_the_thinnest_stroke_marks_the_pixel_it_is_on(x, y):
    found = whole(spans.stroke([(x, y, 0.01)], SIZE))

    if 0 <= x < SIZE[0] and 0 <= y < SIZE[1]:
        assert found[int(y), int(x)]


def test_a_stroke_across_a_large_picture_is_the_same_in_groups_and_in_one():
    points = [(10 + 30 * step, 50 + 20 * np.sin(step), 4 + step % 5) for step in range(40)]
    size = (1300, 120)

    together = whole(spans.stroke(points, size), size)

    apart = [whole(spans.stroke(pair, size), size) for pair in itertools.pairwise(points)]
    np.testing.assert_array_equal(together, np.any(apart, axis=0))


def test_what_lies_outside_the_picture_is_nothing():
    for patch in (
        spans.stroke([(-50, -50, 3)], SIZE),
        spans.rectangle(100, 100, 200, 200, SIZE),
        spans.ellipse(-90, -90, -50, -50, SIZE),
        spans.polygon([(100, 0), (120, 0), (110, 20)], SIZE),
        spans.ellipse(5, 5, 30, 5, SIZE),
    ):
        assert not patch.marked.any()


def test_a_rectangle_takes_its_corners_in_any_order():
    one = whole(spans.rectangle(10, 5, 30, 20, SIZE))
    other = whole(spans.rectangle(30, 20, 10, 5, SIZE))

    np.testing.assert_array_equal(one, other)
    assert one.sum() == 20 * 15
    assert one[5, 10]
    assert not one[20, 30]


def test_an_ellipse_touches_the_sides_of_its_box():
    patch = spans.ellipse(10, 5, 50, 35, SIZE)

    assert (patch.box.left, patch.box.top, patch.box.right, patch.box.bottom) == (10, 5, 50, 35)
    assert patch.marked.sum() == pytest.approx(np.pi * 20 * 15, rel=0.01)


def test_a_loop_that_crosses_itself_has_no_holes():
    star = [(30 + 18 * np.sin(4 * np.pi * k / 5), 20 - 18 * np.cos(4 * np.pi * k / 5)) for k in range(5)]

    found = whole(spans.polygon(star, SIZE))

    assert found[20, 30]


def random_shapes(count):
    rng = np.random.default_rng(7)
    for _ in range(count):
        kind = rng.choice(["stroke", "rectangle", "ellipse", "polygon"])
        points = rng.uniform(-15, 75, (rng.integers(3, 9), 2)).astype(np.float32).astype(float)
        if kind == "stroke":
            radii = rng.uniform(0.2, 14, (len(points), 1)).astype(np.float32).astype(float)
            yield str(kind), np.hstack([points, radii])
        else:
            yield str(kind), points if kind == "polygon" else points[:2]


@pytest.mark.slow
def test_the_browser_marks_the_same_pixels_to_the_last():
    shapes = list(random_shapes(400))
    script = f"""
      import {{ shapeRuns }} from {json.dumps(MODULE.as_uri())};
      const shapes = JSON.parse(await new Response(process.stdin).text());
      const all = shapes.map((shape) => [...Array({SIZE[1]}).keys()].map((row) => shapeRuns(shape, row, {SIZE[0]})));
      console.log(JSON.stringify(all));
    """
    given = json.dumps([{"kind": kind, "numbers": numbers.ravel().tolist()} for kind, numbers in shapes])

    done = subprocess.run(
        [shutil.which("node") or "node", "--input-type=module", "-e", script],
        input=given, capture_output=True, text=True, check=True,
    )  # fmt: skip

    for (kind, numbers), rows in zip(shapes, json.loads(done.stdout), strict=True):
        seen = np.zeros(SIZE[::-1], bool)
        for row, found in enumerate(rows):
            for first, last in found:
                seen[row, first : last + 1] = True
        if kind in ("rectangle", "ellipse"):
            ours = getattr(spans, kind)(*numbers.ravel(), SIZE)
        else:
            ours = getattr(spans, kind)(numbers, SIZE)
        np.testing.assert_array_equal(seen, whole(ours), err_msg=f"{kind} {numbers.tolist()}")


# ---------------------------------------------------------------- what is on screen


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.98))
def test_rectangles_cover_what_is_marked_once_and_nothing_else(seed, share):
    marked = np.random.default_rng(seed).random((13, 17)) < share

    found = runs(marked, 3, 5)

    count = np.zeros((40, 40), int)
    for left, top, width, height in zip(found.left, found.top, found.width, found.height, strict=True):
        count[top : top + height, left : left + width] += 1
    np.testing.assert_array_equal(count[5:18, 3:20], marked.astype(int))
    assert count.sum() == marked.sum()


def test_a_plain_rectangle_on_screen_is_a_single_run():
    marked = np.zeros((50, 50), bool)
    marked[10:40, 5:45] = True

    assert len(runs(marked)) == 1


def test_the_screen_shows_the_pixel_under_the_centre_of_each_of_its_own():
    pixels = np.zeros((100, 200), np.uint8)
    pixels[20:40, 60:120] = 255

    half = marked_on_screen(pixels, View(0, 0, 0.5, 100, 50))
    closer = marked_on_screen(pixels, View(50, 10, 4, 100, 100))

    assert (half[10:20, 30:60]).all()
    assert half.sum() == 10 * 30
    assert closer[40:, 40:].all()
    assert not closer[:40].any()


def test_a_part_of_the_screen_is_the_same_part_of_all_of_it():
    pixels = (np.random.default_rng(1).random((300, 400)) > 0.6).astype(np.uint8) * 255
    view = View(-20, 33.3, 0.37, 150, 120)
    part = view.on_screen(spans.rectangle(100, 100, 200, 180, (400, 300)).box)

    assert part
    np.testing.assert_array_equal(marked_on_screen(pixels, view, part), marked_on_screen(pixels, view)[part.slices])


def test_beside_the_picture_nothing_is_marked():
    pixels = np.full((10, 10), 255, np.uint8)

    marked = marked_on_screen(pixels, View(-5, -5, 1, 20, 20))

    assert marked.sum() == 100
    assert marked[5:15, 5:15].all()


def test_an_outline_is_the_rim_inside_what_is_marked():
    marked = np.zeros((20, 20), bool)
    marked[5:15, 5:15] = True

    rim = outline(marked, 2)

    assert rim.sum() == 100 - 36
    assert not rim[8, 8]
    assert not (rim & ~marked).any()


def photo(width, height):
    from PIL import Image

    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def test_a_cut_costs_as_many_pixels_as_the_screen_has_whatever_the_photo():
    small, large = Shown(photo(800, 600)), Shown(photo(4000, 3000))

    cuts = [shown.cut(View.whole(shown.size, (400, 300))) for shown in (small, large)]

    assert [cut.picture.size for cut in cuts] == [(400, 300)] * 2
    middles = [cut.picture.getpixel((200, 150))[0] for cut in cuts]
    assert abs(middles[0] - middles[1]) <= 2


def test_a_close_view_is_cut_out_at_the_photos_own_pixels():
    shown = Shown(photo(800, 600))

    cut = shown.cut(View(100.5, 50.25, 8, 400, 320))

    assert cut.picture.size == (51, 41)
    assert (cut.left, cut.top) == (-4, -2)
    assert cut.as_squares


def test_looking_past_the_photo_shows_nothing():
    cut = Shown(photo(80, 60)).cut(View(500, 500, 1, 100, 100))

    assert (cut.width, cut.height) == (0, 0)
