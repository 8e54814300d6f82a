"""A network is asked in its own size and answers in the photo's proportions; its absence is no failure."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networks
import numpy as np
import pytest

from runflow_widgets.engine.models.tag_net import INPUT_PX, load_tag_net
from runflow_widgets.engine.models.tags import TagOptions, find_tags

JOIN = Path(__file__).parents[2] / "training" / "tags" / "join.py"


@pytest.fixture
def path(tmp_path):
    return Path(networks.whiteness(tmp_path / "white.onnx"))


@pytest.fixture
def net(path):
    return load_tag_net(path)


def a_white_tag(height=240, width=320):
    photo = np.full((height, width, 3), (70, 60, 110), np.uint8)
    photo[height // 3 : height // 2, width // 3 : width // 2] = 250
    truth = (photo == 250).all(axis=2)
    return photo, truth


def test_a_file_is_read_once(path, net):
    assert net is not None
    assert load_tag_net(path) is net


@pytest.mark.parametrize("size", [(64, 64), (90, 400), (700, 300), (1, 500)])
def test_the_maps_have_the_proportions_of_the_photo(net, size):
    photo = np.full((*size, 3), 90, np.uint8)

    maps = net.look_at(photo)

    height, width = maps.tag.shape
    assert maps.string.shape == maps.tag.shape
    assert max(height, width) == INPUT_PX // 2
    assert abs(height * size[1] - width * size[0]) <= max(size)
    assert maps.tag.min() >= 0
    assert maps.tag.max() <= 1


@pytest.mark.parametrize("size", [(90, 400), (700, 300), (1, 500), (500, 500)])
def test_a_search_gives_finer_maps_of_the_same_proportions(net, size):
    photo = np.full((*size, 3), 90, np.uint8)

    maps = net.search(photo)

    height, width = maps.tag.shape
    assert maps.string.shape == maps.tag.shape
    assert max(height, width) > 0.75 * INPUT_PX
    assert abs(height * size[1] - width * size[0]) <= 2 * max(size)
    assert np.isfinite(maps.tag).all()


def test_a_small_photo_shows_no_more_from_nearer_by(net):
    photo, _ = a_white_tag()

    assert np.array_equal(net.search(photo).tag, net.look_at(photo).tag)


def test_a_search_sees_a_thing_where_it_is_wherever_parts_meet(net):
    photo = np.full((400, 600, 3), 60, np.uint8)
    spots = [(x, y) for x in range(30, 600, 90) for y in range(30, 400, 85)]
    for x, y in spots:
        photo[y - 12 : y + 12, x - 12 : x + 12] = 250

    tag = net.search(photo).tag

    to_map = tag.shape[1] / 600
    assert all(tag[round(y * to_map), round(x * to_map)] > 0.95 for x, y in spots)
    assert abs((tag > 0.5).mean() - len(spots) * 24 * 24 / (400 * 600)) < 0.01


def test_a_search_sees_what_is_too_thin_for_the_photo_as_a_whole(net):
    photo = np.full((1000, 1000, 3), 30, np.uint8)
    for row in range(100, 900):
        photo[row, 200 + row // 2 : 202 + row // 2] = 250

    assert net.look_at(photo).tag.max() < 0.01
    assert net.search(photo).tag.max() > 0.2


def test_what_the_network_sees_becomes_a_find_with_the_outline_of_the_photo(path):
    photo, truth = a_white_tag()

    tags, mask = find_tags(photo, TagOptions(network=path))

    assert len(tags) == 1
    assert mask[truth].mean() > 0.97
    assert mask[~truth].mean() < 0.06


def test_what_it_does_not_see_is_no_find(path):
    tags, mask = find_tags(np.full((200, 200, 3), (70, 60, 110), np.uint8), TagOptions(network=path))

    assert (tags, mask.any()) == ((), False)


def test_threads_may_share_it(net, scenes):
    photos = [scenes.tagged()[0], scenes.stripes(), scenes.backdrop()] * 3
    alone = [net.search(photo).tag for photo in photos]

    with ThreadPoolExecutor(4) as pool:
        together = [maps.tag for maps in pool.map(net.search, photos)]

    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_no_file_means_no_network(tmp_path):
    assert load_tag_net(tmp_path / "absent.onnx") is None


def test_a_broken_file_means_no_network(tmp_path, path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(path.read_bytes()[:150])

    assert load_tag_net(broken) is None


def test_networks_are_joined_into_one_that_says_their_mean(tmp_path, scenes):
    parts = [networks.whiteness(tmp_path / f"{base}.onnx", base=base) for base in (1.0, 0.8)]
    joined = tmp_path / "joined.onnx"
    photo, _ = scenes.tagged()

    subprocess.run([sys.executable, str(JOIN), *parts, str(joined)], check=True, capture_output=True)

    one, other, both = (load_tag_net(Path(path)).look_at(photo).tag for path in (*parts, joined))
    assert np.abs(one - other).max() > 0.1
    assert np.allclose(both, (one + other) / 2, atol=1e-6)
