"""What subjects stand before: photographed grounds, surfaces, drawn scenery, studio walls."""

import cv2
import numpy as np


class Surfaces:
    """Noise, drawn once: normal grain takes longer to draw than the rest of a picture."""

    def __init__(self):
        self._grain = np.random.default_rng(11).normal(0, 1, (600, 600, 3)).astype(np.float32)

    def grain(self, rng, size):
        """A piece of grain, of one pixel or two, sometimes without colour."""
        top, left = rng.integers(0, 600 - size + 1, 2)
        piece = self._grain[top : top + size, left : left + size]
        if rng.random() < 0.4:
            piece = np.repeat(piece[..., :1], 3, 2)
        return cv2.GaussianBlur(piece, (0, 0), 0.7) * 1.8 if rng.random() < 0.4 else piece

    def cloud(self, rng, size):
        """Lumps of all sizes, -1 to 1."""
        total = np.zeros((size, size), np.float32)
        fall = rng.uniform(0.4, 0.8)
        cells, weight = 2, 1.0
        while cells < size / 2:
            top, left = rng.integers(0, 590 - cells, 2)
            lump = self._grain[top : top + cells + 1, left : left + cells + 1, rng.integers(3)]
            total += weight * cv2.resize(np.ascontiguousarray(lump), (size, size), interpolation=cv2.INTER_CUBIC)
            cells, weight = cells * 2, weight * fall
        return total / (np.abs(total).max() + 1e-6)


SURFACES = Surfaces()


def ground(material, rng, size):
    """A ground without a subject, float; three in ten are two, one above the other."""
    canvas = _one(material, rng, size)
    if rng.random() < 0.3:
        other = _one(material, rng, size)
        y = np.linspace(0, 1, size, dtype=np.float32)[:, None]
        rise = rng.uniform(0.2, 0.8) + rng.choice([0, 0.03, 0.12]) * SURFACES.cloud(rng, size)
        rise = rise + rng.normal(0, 0.1) * np.linspace(-1, 1, size, dtype=np.float32)[None]
        share = 1 / (1 + np.exp(np.clip((y - rise) / rng.choice([0.003, 0.02, 0.1]), -40, 40)))
        if rng.random() < 0.12:
            share = share.T
        canvas = canvas + (other - canvas) * share[..., None]
    if rng.random() < 0.15:
        _bokeh(canvas, rng)
    return np.ascontiguousarray(canvas, np.float32)


def room(material, rng, size, edge):
    """A wall above a table or a floor; where they meet, from 0 (top) to 1, is sharp or out of focus."""
    wall, table = _one(material, rng, size), _one(material, rng, size, p=(0.1, 0.6, 0.3))
    if rng.random() < 0.4:
        wall = cv2.GaussianBlur(wall, (0, 0), rng.uniform(0.005, 0.05) * size)
    y = np.linspace(0, 1, size, dtype=np.float32)[:, None] + rng.normal(0, 0.03) * np.linspace(-1, 1, size)[None]
    share = 1 / (1 + np.exp(np.clip((y - edge) / rng.choice([0.002, 0.01, 0.04]), -40, 40)))
    light = 1 - rng.uniform(0, 0.3) * np.exp(-np.abs(y - edge) / rng.uniform(0.02, 0.2))
    canvas = (table + (wall - table) * share[..., None]) * light[..., None]
    return np.ascontiguousarray(np.clip(canvas, 0, 255), np.float32)


def textured(material, rng, size):
    """What a shape without looks of its own is filled with."""
    return _one(material, rng, size, p=(0.3, 0.4, 0.3))


def _one(material, rng, size, p=(0.52, 0.28, 0.2)):
    pick = rng.choice(3, p=p)
    if pick == 2:
        return _drawn(rng, size)
    stock = material.grounds if pick == 0 else material.textures
    picture = stock[rng.integers(len(stock))]
    # A small part of a landscape has no subject; the whole of it may.
    part = _framed(picture, rng, size, (0.22, 0.7) if pick == 0 else (0.5, 1.0))
    if rng.random() < 0.35:
        part = np.clip(part * np.exp(rng.normal(0, 0.15, 3)).astype(np.float32) * np.exp(rng.normal(0, 0.2)), 0, 255)
    return part


def _framed(picture, rng, size, shares):
    short = min(picture.shape[:2])
    side = max(24, round(short * rng.uniform(*shares)))
    wide = min(picture.shape[1], round(side * np.exp(rng.normal(0, 0.15))))
    high = min(picture.shape[0], side)
    top, left = int(rng.integers(0, picture.shape[0] - high + 1)), int(rng.integers(0, picture.shape[1] - wide + 1))
    part = picture[top : top + high, left : left + wide]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if rng.random() < 0.15:
        part = np.rot90(part, int(rng.integers(1, 4)))
    way = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=way).astype(np.float32)


def _drawn(rng, size):
    """Two colours and a pattern: lumps, stripes, checks, or a ramp."""
    one = rng.uniform(10, 245, 3)
    other = one + rng.normal(0, rng.choice([15, 60]), 3) if rng.random() < 0.75 else rng.uniform(10, 245, 3)
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(np.float32)
    turn = rng.uniform(0, np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    pick = rng.random()
    if pick < 0.5:
        share = 0.5 + 0.5 * SURFACES.cloud(rng, size)
        if rng.random() < 0.3:
            share = 1 / (1 + np.exp(-np.clip((share - 0.5) * rng.uniform(8, 60), -40, 40)))
    elif pick < 0.75:
        share = 0.5 + 0.5 * np.sin(along * rng.uniform(6, 90) + rng.uniform(0, 2) * SURFACES.cloud(rng, size))
        if rng.random() < 0.5:
            share = (share > rng.uniform(0.2, 0.8)).astype(np.float32)
    else:
        share = along - along.min()
    canvas = one + (other - one) * share[..., None]
    canvas = canvas + rng.uniform(0, 25) * SURFACES.cloud(rng, size)[..., None]
    return np.clip(canvas, 0, 255).astype(np.float32)


def studio(rng, size):
    """A wall or paper under uneven light, perhaps with a soft horizon."""
    y, x = np.mgrid[-0.5 : 0.5 : size * 1j, -0.5 : 0.5 : size * 1j].astype(np.float32)
    pick = rng.random()
    colour = rng.uniform(215, 255) + rng.normal(0, 3, 3) if pick < 0.45 else rng.uniform(20, 235) + rng.normal(0, 4, 3)
    if pick > 0.75:
        colour = rng.uniform(25, 240, 3)
    light = 1 + rng.normal(0, 0.12) * x + rng.normal(0, 0.15) * y
    light = light * (1 - rng.uniform(0, 0.5) * ((x - rng.normal(0, 0.2)) ** 2 + (y - rng.normal(0, 0.2)) ** 2))
    if rng.random() < 0.5:
        edge = np.exp(np.clip(-(y - rng.uniform(0, 0.4)) / rng.choice([0.004, 0.02, 0.08]), -40, 40))
        light = light * (1 - rng.uniform(-0.12, 0.2) / (1 + edge))
    return np.ascontiguousarray(np.clip(colour * light[..., None], 0, 255), np.float32)


def _bokeh(canvas, rng):
    """Lights out of focus."""
    size = len(canvas)
    layer = np.zeros_like(canvas)
    for _ in range(int(rng.integers(3, 25))):
        at = tuple(int(value) for value in rng.uniform(0, size, 2))
        colour = tuple(float(value) for value in rng.uniform(0, 140, 3))
        cv2.circle(layer, at, int(rng.uniform(0.01, 0.08) * size) + 1, colour, -1, cv2.LINE_AA)
    canvas += cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.5, 2.5))
    np.clip(canvas, 0, 255, out=canvas)
