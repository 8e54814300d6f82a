"""Cutting out finds simple subjects, says how sure it is, and always the same."""

import numpy as np
import pytest
from PIL import ImageEnhance

from runflow_widgets import samples
from runflow_widgets.engine.models.cutout import DOUBTFUL, agreement, cut_out, shrink, tidy
from runflow_widgets.engine.models.subject_nets import RECIPES, SubjectNet


@pytest.mark.parametrize("colour", [(40, 90, 170), (190, 40, 40), (30, 30, 30), (250, 250, 250)])
def test_a_ball_before_a_wall_is_found(scenes, colour):
    photo, truth = scenes.disc(colour=colour)

    found = cut_out(photo)

    assert scenes.overlap(found.mask, truth) > 0.9
    assert found.confidence > DOUBTFUL


def test_two_subjects_are_both_kept(scenes):
    photo, left = scenes.disc(centre=(90, 70), radius=30)
    other, right = scenes.disc(centre=(90, 170), radius=30)
    photo = np.where(right[..., None], other, photo)

    assert scenes.overlap(cut_out(photo).mask, left | right) > 0.85


def test_a_label_in_the_colour_of_the_wall_is_no_hole(scenes):
    photo, truth = scenes.disc(radius=60)
    photo[80:105, 100:140] = (252, 252, 252)
    photo[88:97, 108:132:4] = 20

    assert scenes.overlap(cut_out(photo).mask, truth) > 0.93


def test_a_real_hole_stays_open(scenes):
    photo, truth = scenes.disc(radius=60)
    _, inner = scenes.disc(radius=25)
    photo = np.where(inner[..., None], scenes.backdrop(), photo)

    assert scenes.overlap(cut_out(photo).mask, truth & ~inner) > 0.85


def test_a_soft_shadow_is_not_the_subject(scenes):
    photo, truth = scenes.disc(centre=(80, 120), radius=35)
    y, x = np.mgrid[0:180, 0:240]
    shadow = 0.28 * np.exp(-(((x - 120) / 60.0) ** 2 + ((y - 128) / 18.0) ** 2))
    photo = np.where(truth[..., None], photo, photo * (1 - shadow[..., None])).astype(np.uint8)

    assert scenes.overlap(cut_out(photo).mask, truth) > 0.85


def test_the_same_photo_gives_the_same_mask_and_steps_are_told(scenes):
    photo, _ = scenes.disc()
    steps = scenes.Steps()

    first, second = cut_out(photo, report=steps), cut_out(photo)

    assert np.array_equal(first.mask, second.mask)
    assert first.confidence == second.confidence
    assert steps.rise


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_photo_has_no_subject_or_a_doubtful_one(value):
    found = cut_out(np.full((64, 80, 3), value, np.uint8))

    assert not found.mask.any() or found.confidence < DOUBTFUL


@pytest.mark.parametrize("shape", [(64, 64, 3), (40, 300, 3), (300, 40, 3)])
def test_small_and_long_photos_are_taken(shape):
    photo = np.full(shape, 200, np.uint8)
    photo[shape[0] // 4 : -shape[0] // 4, shape[1] // 4 : -shape[1] // 4] = (180, 30, 30)

    found = cut_out(photo)

    assert found.mask.shape == shape[:2]
    assert 0.1 < found.mask.mean() < 0.6


def test_shrinking_keeps_small_photos():
    assert shrink(np.zeros((10, 20, 3), np.uint8), 40).shape == (10, 20, 3)
    assert shrink(np.zeros((100, 400, 3), np.uint8), 40).shape == (10, 40, 3)


def test_tidying_drops_crumbs_and_fills_pin_holes():
    mask = np.zeros((100, 100), bool)
    mask[20:80, 20:80] = True
    mask[50, 50] = False
    mask[5:8, 5:8] = True

    cleaned = tidy(mask)

    assert cleaned.sum() == 3600
    assert not tidy(np.zeros((9, 9), bool)).any()


def test_a_small_piece_beside_a_large_one_stays_if_it_is_likely():
    mask = np.zeros((100, 100), bool)
    mask[20:80, 20:80] = mask[2:17, 2:17] = True
    likely = mask.astype(np.float32)

    assert tidy(mask, likely=likely)[2:17, 2:17].all()
    assert not tidy(mask, likely=likely * 0.7)[2:17, 2:17].any()
    assert tidy(mask, likely=likely * 0.7)[20:80, 20:80].all()


@pytest.mark.parametrize("name", ["perfume", "picnic", "plant", "tagged_mug"])
def test_the_bundled_pictures_are_cut_out_without_doubt(name):
    photo = np.asarray(samples.load(name).convert("RGB"))

    found = cut_out(photo)

    assert found.confidence > DOUBTFUL
    assert 0.05 < found.mask.mean() < 0.6
    assert found.mask[[0, -1]].mean() < 0.2


@pytest.mark.parametrize(
    ("name", "top", "bottom", "left", "right", "share"),
    [
        # A pot as grey as its own shadow, down to its shaded foot.
        ("plant", 0.62, 0.73, 0.43, 0.57, 1),
        # The shade that a handle throws into its own hole.
        ("tagged_mug", 0.51, 0.53, 0.65, 0.69, 0),
        # A ball much smaller than the blanket beside it.
        ("picnic", 0.39, 0.45, 0.75, 0.81, 1),
        # The dark corner beside a bottle's foot, and its rim.
        ("perfume", 0.745, 0.8, 0.69, 0.82, 0),
    ],
)
def test_shade_is_told_from_grey_things_and_a_small_subject_from_a_crumb(name, top, bottom, left, right, share):
    photo = ImageEnhance.Brightness(samples.load(name).convert("RGB")).enhance(0.8)
    found = cut_out(np.asarray(photo)).mask
    height, width = found.shape

    part = found[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]

    assert part.mean() == share


def test_a_thin_stem_is_kept(scenes):
    photo, truth = scenes.disc(centre=(60, 120), radius=35)
    photo[90:165, 118:123] = (40, 90, 170)
    truth[90:165, 118:123] = True

    found = cut_out(photo)

    assert found.mask[100:160, 118:123].mean() > 0.8


def test_a_ring_stays_a_ring(scenes):
    photo, truth = scenes.disc(radius=60)
    _, inner = scenes.disc(radius=48)
    photo = np.where(inner[..., None], scenes.backdrop(), photo)

    found = cut_out(photo)

    assert not found.mask[inner].any() or found.mask[inner].mean() < 0.15
    assert scenes.overlap(found.mask, truth & ~inner) > 0.8


def test_a_hole_stays_open_where_the_wall_seen_through_it_is_a_little_darker(scenes):
    photo, truth = scenes.disc(radius=60)
    _, inner = scenes.disc(radius=40)
    wall = scenes.backdrop().astype(np.float32)
    # A horizon, as where wall and table meet.
    wall[90:] *= 0.97
    photo = np.where(inner[..., None], wall.astype(np.uint8), photo)

    assert scenes.overlap(cut_out(photo).mask, truth & ~inner) > 0.95


def test_the_contact_shadow_at_the_foot_is_left_out(scenes):
    photo = scenes.backdrop()
    y, x = np.mgrid[0:180, 0:240]
    dark = 0.4 * np.exp(-(((x - 135) / 40.0) ** 2 + ((y - 142) / 9.0) ** 4))
    photo = (photo * (1 - dark[..., None])).astype(np.uint8)
    photo[50:140, 90:150] = (190, 60, 40)
    truth = np.zeros((180, 240), bool)
    truth[50:140, 90:150] = True

    found = cut_out(photo)

    assert scenes.overlap(found.mask, truth) > 0.93


@pytest.mark.parametrize("kind", ["wall", "ramp", "stripes", "noise"])
def test_what_is_all_background_has_no_subject_or_a_doubtful_one(scenes, kind):
    ramp = np.repeat(np.tile(np.linspace(60, 200, 320).astype(np.uint8), (240, 1))[..., None], 3, axis=2)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    photo = {"wall": scenes.backdrop(480, 640), "ramp": ramp, "stripes": scenes.stripes(240, 320), "noise": noise}[kind]

    found = cut_out(photo)

    assert not found.mask.any() or found.confidence < DOUBTFUL
    assert found.confidence == 0 or found.mask.any()


def test_the_mask_of_a_large_photo_is_small(scenes):
    photo, truth = scenes.disc()
    large = np.ascontiguousarray(np.repeat(np.repeat(photo, 6, 0), 6, 1))

    found = cut_out(large)

    assert found.mask.shape == (480, 640)
    assert abs(found.mask.mean() - truth.mean()) < 0.01


def test_agreement_is_overlap_and_half_sure_counts_half():
    mask = np.zeros((10, 10), bool)
    mask[:5] = True

    assert agreement(mask, mask.astype(np.float32)) == pytest.approx(1)
    assert agreement(mask, (~mask).astype(np.float32)) == 0
    assert agreement(mask, np.full((10, 10), 0.5, np.float32)) == pytest.approx(25 / 75)
    assert agreement(~mask & mask, np.zeros((10, 10), np.float32)) == 0


def test_an_unsure_network_is_doubted_and_a_sure_one_believed(networks_that_say):
    square = np.zeros((64, 64), np.float32)
    square[16:48, 16:48] = 1
    photo = np.zeros((64, 64, 3), np.uint8)

    sure, unsure = (cut_out(photo, networks_that_say(plane)) for plane in (square, 0.2 + 0.5 * square))

    assert sure.confidence == 1
    assert unsure.confidence < DOUBTFUL
    assert np.array_equal(sure.mask, unsure.mask)
    assert sure.network == "said"


@pytest.fixture
def networks_that_say():
    class Saying:
        engine, size = "none", (64, 64)

        def __init__(self, plane):
            self.plane = plane

        def run(self, picture):
            return self.plane[None, None]

    return lambda plane: SubjectNet("said", RECIPES["u2net"], Saying(plane))
