"""The network that looks for the subject: what it says of photos, and how it is asked."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from runflow_widgets.engine.models.cutout_net import BUNDLED, INPUT_PX, agreement, load_cutout_net


@pytest.fixture(scope="module")
def net():
    return load_cutout_net(BUNDLED)


def test_the_bundled_file_is_small_and_read_once(net):
    assert BUNDLED.stat().st_size < 4.2e6
    assert load_cutout_net(BUNDLED) is net


@pytest.mark.parametrize("size", [(64, 64), (90, 400), (700, 300), (INPUT_PX, INPUT_PX)])
def test_the_map_has_the_size_of_the_photo_and_lies_between_0_and_1(net, size):
    photo = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)

    likely = net.look_at(photo)

    assert likely.shape == size
    assert likely.dtype == np.float32
    assert 0 <= likely.min() <= likely.max() <= 1


def test_threads_get_what_one_alone_gets(net, scenes):
    photos = [scenes.disc(radius=radius)[0] for radius in (25, 40, 55, 70)]

    alone = [net.look_at(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(net.look_at, photos))

    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_a_mirrored_photo_gives_the_mirrored_map(net, scenes):
    photo, _ = scenes.disc(centre=(80, 80))

    likely, mirrored = net.look_at(photo), net.look_at(np.ascontiguousarray(photo[:, ::-1]))

    assert np.abs(likely - mirrored[:, ::-1]).max() < 0.02


@pytest.mark.parametrize("colour", [(40, 90, 170), (190, 40, 40), (30, 30, 30)])
def test_it_sees_a_ball_before_a_wall(net, scenes, colour):
    photo, truth = scenes.disc(colour=colour)

    assert scenes.overlap(net.look_at(photo) > 0.5, truth) > 0.8


def test_it_follows_the_subject_and_not_the_middle(net, scenes):
    left, right = (net.look_at(scenes.disc(centre=(90, x), radius=35)[0]) for x in (60, 180))

    assert left[:, :110].mean() > 5 * left[:, 130:].mean()
    assert right[:, 130:].mean() > 5 * right[:, :110].mean()


def test_agreement_is_overlap_and_half_sure_counts_half():
    mask = np.zeros((10, 10), bool)
    mask[:5] = True

    assert agreement(mask, mask.astype(np.float32)) == pytest.approx(1)
    assert agreement(mask, (~mask).astype(np.float32)) == 0
    assert agreement(mask, np.full((10, 10), 0.5, np.float32)) == pytest.approx(25 / 75)
    assert agreement(~mask & mask, np.zeros((10, 10), np.float32)) == 0
