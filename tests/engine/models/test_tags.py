"""Tags are found by what makes them tags; plain cloth, balls and stripes are left alone."""

import numpy as np
import pytest

from runflow_widgets import samples
from runflow_widgets.engine.models.tags import TagOptions, find_shapes, find_tags, remove_tags


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


def test_a_plant_in_its_pot_has_no_tag():
    plant = np.asarray(samples.load("plant").convert("RGB"))

    assert find_tags(plant)[0] == ()
