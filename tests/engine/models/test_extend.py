"""More picture on the outside: the photo stays, and what is added goes on as its edge does."""

import numpy as np
import pytest

from runflow_widgets.engine.models.canvas import Placement, around
from runflow_widgets.engine.models.extend import extend


def grass(height=96, width=128, seed=3):
    rng = np.random.default_rng(seed)
    blades = rng.integers(60, 180, (height, width, 1))
    return np.concatenate([blades // 2, blades, blades // 3], axis=2).astype(np.uint8)


@pytest.mark.parametrize(("top", "left"), [(-30, 0), (0, -40), (-20, -20)])
def test_the_photo_itself_stays_byte_for_byte(top, left):
    photo = grass()
    frame = Placement(top, left, photo.shape[1] - 2 * left, photo.shape[0] - 2 * top, "")

    wider, _ = extend(photo, frame)

    inside = wider[-top : -top + photo.shape[0], -left : -left + photo.shape[1]]
    assert wider.shape[:2] == (frame.height, frame.width)
    assert np.array_equal(inside, photo)


def test_texture_goes_on_as_texture():
    photo = grass()

    wider, how = extend(photo, Placement(0, -48, photo.shape[1] + 48, photo.shape[0], ""))

    added = wider[:, :48].astype(float)
    assert "texture at the left" in how
    assert (
        np.abs(np.diff(added[..., 1], axis=1)).mean()
        > 0.4 * np.abs(np.diff(photo[..., 1].astype(float), axis=1)).mean()
    )
    assert abs(added[..., 1].mean() - photo[..., 1].mean()) < 15


def test_a_plain_backdrop_goes_on_plainly(scenes):
    photo, product = scenes.disc()

    wider, how = extend(photo, around(product, (3, 1)))

    assert "plain backdrop" in how
    assert abs(wider.shape[1] / wider.shape[0] - 3) < 0.02


def test_a_frame_of_the_same_size_gives_the_very_photo():
    photo = grass()

    same, how = extend(photo, Placement(0, 0, photo.shape[1], photo.shape[0], ""))

    assert same is photo
    assert "Nothing" in how


def test_the_same_seed_gives_the_same_picture():
    frame = Placement(-20, 0, 128, 116, "")

    assert np.array_equal(extend(grass(), frame, seed=5)[0], extend(grass(), frame, seed=5)[0])


def test_the_whole_photo_is_kept_whatever_the_format(scenes):
    _, product = scenes.disc(radius=20)

    for ratio in ((1, 1), (21, 9), (9, 16), (2, 3)):
        frame = around(product, ratio)

        assert frame.width >= product.shape[1]
        assert frame.height >= product.shape[0]
        assert frame.top <= 0 <= frame.top + frame.height - product.shape[0]
        assert abs(frame.width / frame.height - ratio[0] / ratio[1]) < 0.02 * ratio[0] / ratio[1]
