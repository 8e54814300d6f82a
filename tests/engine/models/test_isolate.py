"""The product stands in the middle of a white frame of exactly the asked size."""

import cv2
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
    resting_shadow,
    stands,
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


def test_a_small_product_is_made_as_large_as_the_frame_asks():
    alpha = np.zeros((50, 50), np.float32)
    alpha[20:30, 20:30] = 1

    picture, scale = isolate(np.full((50, 50, 3), 30, np.uint8), alpha, (1000, 1000), IsolateOptions(shadow=0))

    assert scale == pytest.approx(82)
    assert abs((picture[500] < 200).any(axis=1).sum() - 820) < 60


def test_the_shadow_lies_under_the_product_and_is_soft(scenes):
    _, truth = scenes.disc(centre=(80, 120), radius=50)

    shadow = contact_shadow(truth.astype(np.float32))

    assert shadow[131, 120] > 0.25
    assert shadow[:90].max() < 0.1
    assert 0 <= shadow.min() <= shadow.max() <= 1
    assert np.abs(np.diff(shadow, axis=1)).max() < 0.3
    assert not contact_shadow(np.zeros((20, 20), np.float32)).any()


def a_table(size):
    """A top on two legs, between which one sees the ground; and a handle that ends in the air."""
    table = np.zeros((size, size), np.float32)
    table[size // 4 : size // 4 + size // 10, size // 6 : -size // 6] = 1
    for left in (size // 4, size - size // 4 - size // 16):
        table[size // 4 : 3 * size // 4, left : left + size // 16] = 1
    return table


@pytest.mark.parametrize("size", [120, 400, 1600])
def test_the_shadow_touches_what_stands_and_is_no_bar(size):
    table = a_table(size)

    shadow = contact_shadow(table)

    foot, leg, middle = 3 * size // 4, size // 4 + size // 32, size // 2
    assert shadow[foot, leg] > 0.4
    # Between the legs and under the ends of the top the ground is light.
    assert shadow[foot, middle] < 0.15 * shadow[foot, leg]
    assert shadow[:, middle].max() < 0.2 * shadow.max()
    assert shadow[:, size // 6 + 2].max() < 0.35 * shadow.max()
    # Never detached: going down from the foot it only fades.
    assert (np.diff(shadow[foot:, leg]) <= 1e-3).all()
    assert shadow[-2:].max() < 0.05


@pytest.mark.parametrize("slope", [0.0, 0.12, 0.3])
def test_the_shadow_follows_a_slanted_foot(slope):
    alpha = np.zeros((400, 400), np.float32)
    for x in range(100, 300):
        alpha[100 : 300 - round(slope * (x - 100)), x] = 1

    shadow = contact_shadow(alpha)

    lowest = [399 - alpha[::-1, x].argmax() for x in range(100, 300)]
    strongest = [int(shadow[lowest[x - 100] :, x].argmax()) for x in range(110, 290)]
    # Wherever there is any, it is darkest at the outline itself.
    assert max(strongest) <= 4
    assert shadow[lowest[10] + 1, 110] > 0.4
    if slope:
        assert shadow[lowest[-10] + 1, 290] < shadow[lowest[10] + 1, 110]


def test_what_lies_flat_has_a_faint_shadow_on_all_sides():
    alpha = np.zeros((300, 300), np.float32)
    alpha[80:220, 80:220] = 1

    shadow = resting_shadow(alpha)

    beside = {"top": shadow[78, 150], "left": shadow[150, 78], "right": shadow[150, 221], "bottom": shadow[221, 150]}
    assert min(beside.values()) > 0.1
    assert max(beside, key=beside.get) == "bottom"
    assert shadow[20:40].max() < 0.05


def a_shot(*, table, shade):
    """A box of 120 pixels before a wall: on a table of another colour or not, with a shadow at its foot."""
    photo = np.full((300, 300, 3), 205, np.float32)
    if table:
        photo[170:] = (150, 120, 90)
    alpha = np.zeros((300, 300), np.float32)
    alpha[90:210, 90:210] = 1
    y, x = np.mgrid[0:300, 0:300]
    inside = (np.abs(y - 213) < 6) & (np.abs(x - 150) < 65)
    photo *= 1 - shade * cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 3)[..., None]
    photo[alpha > 0] = (40, 90, 60)
    return photo.astype(np.uint8), alpha


@pytest.mark.parametrize(("table", "shade"), [(True, 0), (True, 0.4), (False, 0.4)])
def test_a_table_or_a_dark_foot_tells_that_something_stands(table, shade):
    assert stands(*a_shot(table=table, shade=shade))


def test_a_shirt_on_cloth_lies_flat_and_a_box_in_a_plain_studio_stands():
    photo, alpha = a_shot(table=False, shade=0)
    rng = np.random.default_rng(2)
    cloth = np.clip(photo.astype(float) - 60 + rng.normal(0, 25, photo.shape), 0, 255).astype(np.uint8)
    shirt = alpha.copy()
    shirt[90:125, 50:250] = 1

    assert stands(photo, alpha)
    assert not stands(cloth, alpha)
    assert not stands(photo, shirt)


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
