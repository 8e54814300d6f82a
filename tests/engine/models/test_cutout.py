"""Cutting out finds simple subjects, says how sure it is, and always the same."""

import numpy as np
import pytest

from runflow_widgets.engine.models.backdrop import fit_backdrop
from runflow_widgets.engine.models.cutout import CutoutOptions, cut_out, shrink, tidy, to_lab
from runflow_widgets.engine.models.judge import colour_overlap, edge_support, judge, solidity
from runflow_widgets.engine.models.saliency import saliency


@pytest.mark.parametrize("colour", [(40, 90, 170), (190, 40, 40), (30, 30, 30), (250, 250, 250)])
def test_a_ball_before_a_wall_is_found(scenes, colour):
    photo, truth = scenes.disc(colour=colour)

    found = cut_out(photo)

    assert scenes.overlap(found.mask, truth) > 0.9
    assert found.confidence > 0.5


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

    assert not found.mask.any() or found.confidence < 0.55


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
    lab = to_lab(photo)
    prior = saliency(lab)
    _, larger = scenes.disc(radius=70)

    scores = [judge(mask, lab, prior).score for mask in (truth, np.roll(truth, 20, 1), larger, np.ones_like(truth))]

    assert scores[0] == max(scores)
    assert edge_support(truth, lab) > edge_support(larger, lab)
    assert colour_overlap(truth, lab) < colour_overlap(larger, lab)
    assert 0.95 < solidity(truth) <= 1
