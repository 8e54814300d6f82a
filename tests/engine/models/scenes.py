"""Tiny scenes with a known truth, for the tests of the models."""

import cv2
import numpy as np


def backdrop(height=180, width=240, *, seed=0):
    """A lit studio wall: a gradient with a little grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 170 + 50 * (1 - y) + 15 * np.cos(3 * x)
    wall = light[..., None] * np.array([1.0, 0.98, 0.94]) + rng.normal(0, 1.5, (height, width, 3))
    return np.clip(wall, 0, 255).astype(np.uint8)


def disc(height=180, width=240, *, centre=None, radius=45, colour=(40, 90, 170)):
    """A ball before the wall, and where it is."""
    photo = backdrop(height, width)
    y, x = np.mgrid[0:height, 0:width]
    middle = centre or (height / 2, width / 2)
    away = np.hypot(y - middle[0], x - middle[1])
    share = np.clip(radius - away + 0.5, 0, 1)[..., None]
    shaded = np.array(colour) * (1.1 - 0.5 * away / radius)[..., None]
    return (photo * (1 - share) + np.clip(shaded, 0, 255) * share).astype(np.uint8), away < radius


def stripes(height=160, width=200):
    """A pattern that continues: diagonal stripes with grain."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width]
    wave = 128 + 70 * np.sin((x + y) / 4.0)
    return np.clip(wave[..., None] + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)


def tagged(height=320, width=400):
    """A plain dark cloth with a printed price tag on a string, and where the tag is."""
    rng = np.random.default_rng(5)
    cloth = np.clip(np.array([70, 60, 110]) + rng.normal(0, 5, (height, width, 3)), 0, 255).astype(np.uint8)
    tag = np.array([[210, 130], [280, 150], [255, 240], [185, 220]], np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [tag], 1)
    cv2.polylines(
        cloth, [np.array([[240, 145], [250, 90], [235, 40]], np.int32)], False, (225, 215, 200), 2, cv2.LINE_AA
    )
    cv2.fillPoly(cloth, [tag], (244, 242, 236), cv2.LINE_AA)
    for offset in range(0, 40, 6):
        cv2.line(cloth, (212 + offset, 190 + offset // 4), (206 + offset, 212 + offset // 4), (30, 30, 30), 2)
    return cloth, mask > 0


def overlap(one, other):
    """Intersection over union; masks of different size are compared at the second's."""
    one = cv2.resize(one.astype(np.uint8), other.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return (one & other).sum() / (one | other).sum()


class Steps:
    """A report that remembers."""

    def __init__(self):
        self.fractions, self.notes = [], []

    def __call__(self, fraction, note):
        assert note
        self.fractions.append(fraction)
        self.notes.append(note)

    @property
    def rise(self):
        return len(self.fractions) > 1 and self.fractions == sorted(self.fractions) and self.fractions[-1] <= 1
