"""The product stands in the middle of a white frame of exactly the asked size."""

import numpy as np
import pytest

from runflow_widgets.engine.models.isolate import (
    RATIOS,
    TIERS,
    IsolateOptions,
    choose,
    contact_shadow,
    frame_of,
    isolate,
)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("tier", TIERS.values())
def test_the_frame_has_the_ratio_and_the_long_side_of_the_tier(ratio, tier):
    wide, high = map(int, ratio.split(":"))

    width, height = frame_of((wide, high), tier)

    assert max(width, height) == tier
    assert abs(width / height - wide / high) < wide / high / min(width, height)


def test_the_product_is_centred_with_margins_on_white(scenes):
    photo, truth = scenes.disc(centre=(60, 70), radius=40)
    steps = scenes.Steps()

    picture, scale = isolate(photo, truth.astype(np.float32), (210, 280), IsolateOptions(shadow=0), steps)

    product = (picture < 240).any(axis=2)
    rows, columns = np.nonzero(product.any(axis=1))[0], np.nonzero(product.any(axis=0))[0]
    assert picture.shape == (280, 210, 3)
    assert abs(rows[0] + rows[-1] - 279) <= 2
    assert abs(columns[0] + columns[-1] - 209) <= 2
    assert abs((columns[-1] - columns[0] + 1) - 0.82 * 210) <= 3
    assert tuple(picture[5, 5]) == (250, 250, 250)
    assert scale > 1
    assert steps.rise


def test_a_small_product_is_not_blown_up_without_end():
    alpha = np.zeros((50, 50), np.float32)
    alpha[20:30, 20:30] = 1

    picture, scale = isolate(np.full((50, 50, 3), 30, np.uint8), alpha, (1000, 1000), IsolateOptions(shadow=0))

    assert scale == 3
    assert (picture < 200).any(axis=2).sum() <= 33 * 33


def test_the_shadow_lies_under_the_product_and_is_soft(scenes):
    _, truth = scenes.disc(centre=(80, 120), radius=50)

    shadow = contact_shadow(truth.astype(np.float32))

    assert shadow[132, 120] > 0.25
    assert shadow[:90].max() < 0.1
    assert 0 <= shadow.min() <= shadow.max() <= 1
    assert np.abs(np.diff(shadow, axis=1)).max() < 0.3
    assert not contact_shadow(np.zeros((20, 20), np.float32)).any()


@pytest.fixture
def three_balls(scenes):
    """A small red one on the left, a large blue one, a small green one at the bottom right."""
    photo, mask = scenes.backdrop(), np.zeros((180, 240), bool)
    pieces = []
    for centre, radius, colour in (
        ((60, 40), 18, (190, 30, 30)),
        ((80, 115), 35, (40, 70, 190)),
        ((140, 200), 20, (40, 150, 50)),
    ):
        ball, where = scenes.disc(centre=centre, radius=radius, colour=colour)
        photo = np.where(where[..., None], ball, photo)
        pieces.append(where)
        mask |= where
    return photo, mask, pieces


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("the ball on the left", 0),
        ("the largest one", 1),
        ("right", 2),
        ("Bottom", 2),
        ("a RED ball", 0),
        ("the blue thing", 1),
        ("green", 2),
    ],
)
def test_a_place_a_size_or_a_colour_is_understood(three_balls, prompt, expected):
    photo, mask, pieces = three_balls

    chosen, sentence = choose(photo, mask, prompt)

    assert np.array_equal(chosen, pieces[expected])
    assert "Of 3 objects" in sentence


def test_what_is_not_understood_is_said(three_balls):
    photo, mask, pieces = three_balls

    same, ignored = choose(photo, mask, "the one my aunt gave me")
    only, nothing = choose(photo, pieces[0], "left")

    assert np.array_equal(same, mask)
    assert "was ignored" in ignored
    assert np.array_equal(only, pieces[0])
    assert "one object" in nothing
