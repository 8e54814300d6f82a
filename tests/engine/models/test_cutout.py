"""Cutting out finds simple subjects, says how sure it is, and always the same."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageEnhance

from runflow_widgets import samples
from runflow_widgets.engine.models.backdrop import fit_backdrop
from runflow_widgets.engine.models.candidates import grab_cut, guesses, look
from runflow_widgets.engine.models.cutout import DOUBTFUL, CutoutOptions, cut_out, shrink, tidy, to_lab
from runflow_widgets.engine.models.judge import cues, judge
from runflow_widgets.engine.models.judge_weights import CENTRES, SCALES, WEIGHTS
from runflow_widgets.engine.models.regions import background_contrast, divide, ranking
from runflow_widgets.engine.models.saliency import saliency


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

    found = cut_out(photo, CutoutOptions(working_px=160))

    assert max(found.mask.shape) <= 160
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


def test_a_small_piece_beside_a_large_one_stays_if_the_votes_are_for_it():
    mask = np.zeros((100, 100), bool)
    mask[20:80, 20:80] = mask[2:17, 2:17] = True
    votes = mask.astype(np.float32)

    assert tidy(mask, votes=votes)[2:17, 2:17].all()
    assert not tidy(mask, votes=votes * 0.7)[2:17, 2:17].any()
    assert tidy(mask, votes=votes * 0.7)[20:80, 20:80].all()


def test_the_backdrop_fit_sees_through_the_subject(scenes):
    photo, truth = scenes.disc()

    fit = fit_backdrop(to_lab(photo))

    assert fit.support > 0.9
    assert fit.evidence[truth].mean() > 0.9
    assert fit.evidence[~truth].mean() < 0.1
    assert np.abs(fit.lab - to_lab(scenes.backdrop())).mean() < 1.5


def test_saliency_is_higher_on_the_subject(scenes):
    photo, truth = scenes.disc()

    prior = saliency(to_lab(photo))

    assert prior.min() >= 0
    assert prior.max() <= 1
    assert prior[truth].mean() > prior[~truth].mean() + 0.4


def test_the_judge_prefers_the_truth_to_what_is_shifted_or_grown(scenes):
    photo, truth = scenes.disc()
    clues = look(photo, to_lab(photo))
    _, larger = scenes.disc(radius=70)
    masks = {"truth": truth, "shifted": np.roll(truth, 20, 1), "larger": larger}

    expected = judge(masks, clues)

    assert max(expected, key=expected.get) == "truth"
    assert all(0 <= value <= 1 for value in expected.values())
    assert judge({}, clues) == {}


def test_there_is_a_weight_for_every_cue(scenes):
    photo, truth = scenes.disc()

    table = cues({"truth": truth}, look(photo, to_lab(photo)))

    assert table.shape == (1, len(CENTRES))
    assert len(CENTRES) == len(SCALES) == len(WEIGHTS) - 1


def test_the_guesses_differ_and_most_find_a_plain_ball(scenes):
    photo, truth = scenes.disc()

    found = [scenes.overlap(mask, truth) for mask in guesses(look(photo, to_lab(photo))).values()]

    assert len(found) > 8
    assert np.median(found) > 0.85


def test_fewer_guesses_are_made_where_the_network_is_decided(scenes):
    photo, truth = scenes.disc()
    clues = look(photo, to_lab(photo))
    decided = replace(clues, likely=truth.astype(np.float32))
    undecided = replace(clues, likely=np.full(truth.shape, 0.3, np.float32))

    few, many = guesses(decided, thorough=False), guesses(undecided, thorough=False)

    assert len(few) < len(many)
    assert many.keys() == guesses(decided).keys()
    assert scenes.overlap(few["vote"], truth) > 0.9


def test_one_among_others_is_judged_as_if_all_were(scenes):
    photo, truth = scenes.disc()
    clues = look(photo, to_lab(photo))
    masks = {"truth": truth, "shifted": np.roll(truth, 20, 1), "larger": scenes.disc(radius=70)[1]}

    alone = judge(masks, clues, only="shifted")

    assert alone == {"shifted": pytest.approx(judge(masks, clues)["shifted"])}


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


def test_regions_tell_the_subject_from_what_belongs_to_the_border(scenes):
    photo, truth = scenes.disc()

    regions = divide(to_lab(photo))

    assert 100 < regions.labels.max() < 400
    for view in (background_contrast(regions), ranking(regions)):
        assert view.min() >= 0
        assert view.max() <= 1
        assert view[truth].mean() > view[~truth].mean() + 0.5


def test_grab_cut_leaves_a_start_alone_that_has_too_little_of_either_side():
    photo = np.zeros((20, 20, 3), np.uint8)

    assert not grab_cut(photo, np.zeros((20, 20), np.float32)).any()


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
