"""Tags are found by what makes them tags; plain cloth, balls and stripes are left alone."""

import cv2
import networks
import numpy as np
import pytest

from runflow_widgets import samples
from runflow_widgets.engine.models.tag_shape import rim_of, shadow_of, snap
from runflow_widgets.engine.models.tags import TagOptions, depth_in_product, find_shapes, find_tags, remove_tags


def test_a_price_tag_is_found_whole(scenes):
    photo, truth = scenes.tagged()
    steps = scenes.Steps()

    tags, mask = find_tags(photo, report=steps)

    assert len(tags) == 1
    assert mask[truth].mean() > 0.97
    assert mask[~truth].mean() < 0.06
    assert steps.rise


def test_its_string_goes_with_it(scenes):
    photo, _ = scenes.tagged()

    tags, mask = find_tags(photo)

    assert tags[0].has_string
    assert mask[60:120, 235:260].any(axis=1).mean() > 0.7


def test_the_box_is_told_at_the_size_of_the_photo(scenes):
    photo, _ = scenes.tagged()
    large = np.repeat(np.repeat(photo, 3, axis=0), 3, axis=1)

    tags, mask = find_tags(large)

    left, top, width, height = tags[0].box
    assert mask.shape == large.shape[:2]
    assert left < 3 * 200
    assert left + width > 3 * 270
    assert top + height > 3 * 230


def test_a_removed_tag_leaves_cloth(scenes):
    photo, truth = scenes.tagged()
    steps = scenes.Steps()

    clean, tags = remove_tags(photo, report=steps)

    assert len(tags) == 1
    assert np.abs(clean[truth].mean(axis=0) - [70, 60, 110]).max() < 12
    assert np.array_equal(clean[:, :120], photo[:, :120])
    assert steps.rise


@pytest.mark.parametrize("scene", ["backdrop", "stripes"])
def test_where_no_tag_is_nothing_changes(scenes, scene):
    photo = getattr(scenes, scene)(240, 320)

    clean, tags = remove_tags(photo)

    assert tags == ()
    assert clean is photo


def test_the_same_photo_gives_the_same_finds(scenes):
    photo, _ = scenes.tagged()

    assert find_tags(photo)[0] == find_tags(photo)[0]


def test_the_outline_of_a_tag_lies_on_its_edge(scenes):
    photo, truth = scenes.tagged()

    (find,) = find_shapes(photo, TagOptions())

    top, left, bottom, right = find.window
    assert scenes.overlap(find.shape, truth[top:bottom, left:right]) > 0.93


@pytest.mark.parametrize("name", [None, "absent.onnx"])
def test_without_the_network_the_rules_find_it(scenes, tmp_path, name):
    photo, truth = scenes.tagged()
    options = TagOptions(network=name and tmp_path / name)

    tags, mask = find_tags(photo, options)

    assert len(tags) == 1
    assert mask[truth].mean() > 0.97


@pytest.mark.parametrize(
    ("base", "share", "count"), [(0.66, 10.0, 1), (0.78, -16.0, 0), (1.0, -5.0, 1), (0.2, 10.0, 0)]
)
def test_a_doubtful_find_is_looked_at_from_nearer_by(scenes, tmp_path, base, share, count):
    photo = np.full((240, 320, 3), 60, np.uint8)
    photo[100:120, 150:174] = 255
    network = tmp_path / "white.onnx"
    # The white of the tag is a larger share of the nearer view, which speaks for it or against it.
    networks.whiteness(network, base=base, share=share)
    steps = scenes.Steps()

    finds = find_shapes(photo, TagOptions(network=network), steps)

    assert len(finds) == count
    assert ("looking again from nearer by" in steps.notes) == (0.5 < base < 0.8)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64)])
def test_odd_sizes_are_no_failure(size):
    photo = np.full((*size, 3), 128, np.uint8)

    clean, tags = remove_tags(photo)

    assert tags == ()
    assert clean is photo


def test_all_tags_of_the_bundled_sample_are_found():
    photo = np.asarray(samples.load("tagged_mug").convert("RGB"))

    tags, _ = find_tags(photo)

    assert len(tags) == 2


def test_a_hang_tag_with_its_string_and_a_sticker_are_found_on_a_speckled_mug():
    mug = np.asarray(samples.load("tagged_mug").convert("RGB"))

    tags, mask = find_tags(mug)

    assert len(tags) == 2
    hang_tag, sticker = sorted(tags, key=lambda tag: -tag.box[0])
    assert hang_tag.has_string
    assert not sticker.has_string
    for tag, box in ((hang_tag, (525, 343, 222, 279)), (sticker, (375, 469, 112, 122))):
        assert np.abs(np.subtract(tag.box, box)).max() < 25
    assert mask[480:600, 540:640].all()
    assert mask[500:560, 400:460].all()
    assert mask.mean() < 0.07
    # The string's end on the handle, which lies beyond the first window that is looked at.
    handle = mug[330:370, 700:770].astype(int)
    string = (handle[..., 0] > handle[..., 2] + 25) & (handle[..., 0] > 110)
    assert string.sum() > 300
    assert mask[330:370, 700:770][string].all()


def test_a_plant_in_its_pot_has_no_tag():
    plant = np.asarray(samples.load("plant").convert("RGB"))

    assert find_tags(plant)[0] == ()


def test_a_string_is_followed_to_its_end(scenes):
    photo, tag = scenes.tagged()
    hint = np.zeros(tag.shape, np.float32)
    # From the tag's hole at (240, 145) by (250, 90) to (235, 40): the hint ends at half of it.
    cv2.line(hint, (240, 145), (250, 90), 1, 3)

    find = snap(photo, (0, 0, *tag.shape), tag.astype(np.float32), hint)

    high, wide = find.string.shape
    rows = np.flatnonzero(find.string.any(axis=1)) * tag.shape[0] / high
    assert rows.min() < 55
    assert find.string.sum() < 0.01 * high * wide


def test_cloth_in_the_colour_of_a_string_is_not_taken_for_it(scenes):
    photo, tag = scenes.tagged()
    photo[20:60, 200:300] = (225, 215, 200)
    hint = np.zeros(tag.shape, np.float32)
    cv2.line(hint, (240, 145), (250, 90), 1, 3)

    find = snap(photo, (0, 0, *tag.shape), tag.astype(np.float32), hint)

    assert find.string.sum() < 0.01 * find.string.size


@pytest.mark.parametrize(
    ("near", "far", "reaches"), [(0.8, 0.3, "end"), (0.8, 0.1, "half"), (0.4, 0.3, "nowhere"), (0.0, 0.8, "nowhere")]
)
def test_a_string_that_is_likely_somewhere_reaches_as_far_as_there_is_a_hint_of_it(scenes, near, far, reaches):
    photo, tag = scenes.tagged()
    # The string itself is out of sight, so that nothing but the likelihood tells.
    photo[30:137, 225:262] = photo[20, 225]
    likely = np.zeros(tag.shape, np.float32)
    likely[95:136, 238:254] = near
    likely[40:95, 238:254] = far

    find = snap(photo, (0, 0, *tag.shape), tag.astype(np.float32), likely)

    rows = np.flatnonzero(find.string.any(axis=1)) * tag.shape[0] / find.string.shape[0]
    top = rows.min() if rows.size else None
    assert top == {"end": pytest.approx(40, abs=4), "half": pytest.approx(95, abs=4), "nowhere": None}[reaches]


def test_a_seam_that_leads_away_from_a_tag_is_no_string(scenes):
    photo, tag = scenes.tagged()

    find = snap(photo, (0, 0, *tag.shape), tag.astype(np.float32), np.zeros(tag.shape, np.float32))

    assert not find.string.any()


@pytest.mark.parametrize("dark", [0, 2, 3])
def test_the_shadow_of_a_tag_goes_with_it_and_dark_stripes_stay(dark):
    lab = np.full((120, 120, 3), (70.0, 5.0, 5.0), np.float32)
    for first in range(dark):
        lab[:, first::6, 0] -= 25
    tag = np.zeros((120, 120), bool)
    tag[40:80, 40:80] = True
    lab[80:84, 42:82, 0] -= 20

    shadow = shadow_of(tag, np.zeros_like(tag), lab)

    if dark:
        assert shadow.sum() < 90
    else:
        assert shadow[80:84, 45:79].all()
        assert shadow.sum() < 300


def test_a_faint_shadow_on_a_plain_wall_is_found_though_dark_cloth_is_near():
    lab = np.full((160, 160, 3), (85.0, 2.0, 3.0), np.float32)
    lab[106:, :] = (20.0, 2.0, 3.0)
    tag = np.zeros((160, 160), bool)
    tag[60:100, 60:100] = True
    lab[62:100, 100:104, 0] -= 7

    shadow = shadow_of(tag, np.zeros_like(tag), lab)

    assert shadow[64:90, 100:103].mean() > 0.9
    assert not shadow[106:].any()
    assert shadow[:58].mean() < 0.01


@pytest.mark.parametrize(("pattern", "light", "goes"), [(0, 12, True), (0, -12, True), (15, 12, False), (0, 3, False)])
def test_the_soft_edge_of_a_tag_goes_with_it_where_it_would_be_seen(pattern, light, goes):
    lab = np.full((120, 120, 3), (60.0, 5.0, 5.0), np.float32)
    lab[:, ::3, 0] += pattern
    tag, string = np.zeros((120, 120), bool), np.zeros((120, 120), bool)
    tag[40:80, 40:80] = True
    lab[80:83, 40:80, 0] += light

    rim = rim_of(tag, string, lab, 4)

    assert rim[80:83, 41:79].mean() == goes if not pattern else rim.mean() < 0.003
    assert not rim[tag].any()
    assert not rim[85:].any()


def test_where_product_and_wall_meet_beside_a_tag_neither_is_taken_for_its_rim():
    lab = np.full((120, 120, 3), (60.0, 5.0, 5.0), np.float32)
    lab[:, 60:, 0] = 90
    tag, string = np.zeros((120, 120), bool), np.zeros((120, 120), bool)
    tag[40:80, 40:80] = True

    assert rim_of(tag, string, lab, 4).sum() < 60


def test_no_outline_stays_of_a_tag_that_was_photographed_softly(scenes):
    photo, truth = scenes.tagged()
    soft = cv2.GaussianBlur(photo, (0, 0), 1.5)

    clean, tags = remove_tags(soft)

    around = cv2.dilate(truth.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
    below = np.zeros_like(truth)
    below[130:] = True
    assert len(tags) == 1
    assert np.abs(cv2.GaussianBlur(clean, (0, 0), 1)[around & below].astype(int) - [70, 60, 110]).max() < 16


@pytest.mark.parametrize(("left", "sign"), [(105, 1), (10, -1), (65, None)])
def test_a_tag_lies_on_the_product_or_beside_it_or_that_is_in_doubt(scenes, left, sign):
    photo, ball = scenes.disc(radius=50)
    tag = np.zeros(ball.shape, bool)
    tag[75:105, left : left + 25] = True
    photo[tag] = 245

    depth = depth_in_product(photo, tag)

    if sign is None:
        assert depth is None
    else:
        assert (np.sign(depth[tag]) == sign).all()
        assert (np.sign(depth[ball & ~tag]) == 1).mean() > 0.9
        assert depth[5, 5] == -1


def test_no_wall_is_painted_on_a_mug_when_its_tags_go():
    mug = samples.load("tagged_mug").convert("RGB")
    mug.thumbnail((900, 900))
    photo = np.asarray(mug)

    clean, tags = remove_tags(photo)

    assert len(tags) == 2
    tag = clean[400:470, 435:500].astype(int)
    # Glazed as the rest of it: blue green, never the grey of the wall.
    assert (tag[..., 1] - tag[..., 0]).min() > 5
