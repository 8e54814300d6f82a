"""What tags hang on when no photo serves: boxes, bottles, mugs, balls and lumps before a lit wall or on checked cloth.

Many products carry a label of their own, in their middle, straight, lit and bent with them: that is no tag.
"""

import cv2
import numpy as np
from faces import draw_words
from PIL import Image, ImageDraw

SYLLABLES = ("ka", "lu", "mi", "no", "re", "sol", "ter", "va", "on", "el", "bri", "da", "fo", "gan", "ux", "ya", "zen")


def draw_scene(rng, size):
    """A made product picture with one to three things in it."""
    canvas = _wall(rng, size)
    for _ in range(int(rng.integers(1, 4))):
        high, wide = rng.uniform(0.3, 0.8) * size, rng.uniform(0.2, 0.7) * size
        draw_thing(canvas, rng.uniform(0.25, 0.75, 2) * size, wide, high, rng)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def draw_thing(canvas, centre, width, height, rng, *, boxes=True):
    """A solid thing with its shadow, in place; on half of those that can have one, a label of its own."""
    draw = (_bottle, _mug, _lump, draw_ball, _box)[rng.integers(5 if boxes else 4)]
    if draw is draw_ball:
        draw_ball(canvas, centre, 0.5 * min(width, height), rng)
        return
    shape = np.zeros(canvas.shape[:2], np.uint8)
    draw(shape, centre, width, height, rng)
    light = _paint(canvas, shape, rng)
    if draw is not _lump and rng.random() < 0.5:
        _own_label(canvas, shape, light, rng)


def draw_ball(canvas, centre, radius, rng):
    """A ball of one colour, in stripes or in sectors, lit from a side, in place."""
    height, width = canvas.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x - np.float32(centre[0])) / np.float32(radius), (y - np.float32(centre[1])) / np.float32(radius)
    far = np.hypot(x, y)
    low = np.exp(-((x * 0.8) ** 2) - ((y - 1) * 3.5) ** 2) * np.float32(rng.uniform(0.1, 0.6))
    canvas *= 1 - low[..., None]
    normal = np.stack([x, y, np.sqrt(np.clip(1 - far**2, 0, 1))], -1)
    spin, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    turned = normal @ spin.astype(np.float32)
    kind, parts = rng.random(), int(rng.integers(2, 9))
    if kind < 0.55:
        which = np.floor((np.arctan2(turned[..., 1], turned[..., 0]) / (2 * np.pi) + 0.5) * parts).astype(int)
    elif kind < 0.75:
        which = np.floor((np.clip(turned[..., 2], -1, 1) + 1) / 2 * parts).astype(int)
    else:
        which = np.zeros((height, width), int)
    colours = rng.uniform(15, 250, (parts + 1, 3)).astype(np.float32)
    colours[::2] = colours[::2] if rng.random() < 0.5 else rng.uniform(10, 250, 3)
    way = np.array([rng.normal(0, 0.5), rng.uniform(-1, 0.2), 1])
    lit = np.clip(normal @ (way / np.linalg.norm(way)).astype(np.float32), 0, 1)
    skin = colours[which] * (rng.uniform(0.25, 0.7) + 0.6 * lit)[..., None]
    skin += (255 * rng.uniform(0, 0.8) * lit ** rng.uniform(15, 80))[..., None]
    share = np.clip((1 - far) * radius + 0.5, 0, 1)[..., None]
    canvas += (np.clip(skin, 0, 255) - canvas) * share


def draw_check(canvas, rng, part):
    """Woven squares or stripes over a part of the canvas (left, top, width, height), flat or seen at a slant."""
    left, top, wide, high = part
    under = canvas[top : top + high, left : left + wide]
    y, x = np.mgrid[0 : under.shape[0], 0 : under.shape[1]].astype(np.float32)
    if rng.random() < 0.4:
        depth = 1 + np.float32(rng.uniform(0.3, 2.5)) * (1 - y / max(1, under.shape[0]))
        x, y = (x - under.shape[1] / 2) * depth, y * depth
    turn, pitch = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(6), np.log(70)))
    one = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / pitch) > rng.uniform(-0.6, 0.8)
    two = np.sin((y * np.cos(turn) - x * np.sin(turn)) * 2 * np.pi / pitch) > rng.uniform(-0.6, 0.8)
    share = one * 0.5 + (two * 0.5 if rng.random() < 0.6 else 0)
    share = (share * rng.uniform(0.3, 0.95))[..., None].astype(np.float32)
    under += (rng.uniform(10, 245, 3).astype(np.float32) * (under.mean(2, keepdims=True) + 60) / 190 - under) * share


def cloud(rng, height, width, detail=6):
    """Soft noise between about -1 and 1."""
    total = np.zeros((height, width), np.float32)
    for octave in range(1, detail):
        grid = rng.standard_normal((2**octave + 1, 2**octave + 1)).astype(np.float32) / 2 ** (octave * 0.7)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return total / (np.abs(total).max() + 1e-6)


def _wall(rng, size):
    base = np.full(3, rng.uniform(150, 250)) + rng.normal(0, 8, 3) if rng.random() < 0.6 else rng.uniform(20, 250, 3)
    light = 1 + rng.uniform(0, 0.2) * cloud(rng, size, size, 3)
    wall = base * light[..., None]
    if rng.random() < 0.35:
        wall *= 1 + rng.uniform(0, 0.25) * cloud(rng, size, size, 8)[..., None]
    if rng.random() < 0.4:
        floor = round(rng.uniform(0.4, 0.9) * size)
        wall[floor:] *= rng.uniform(0.7, 1.1)
    wall = wall.astype(np.float32)
    if rng.random() < 0.25:
        top = round(rng.uniform(0, 0.6) * size)
        draw_check(wall, rng, (0, top, size, size - top))
    return wall


def _box(shape, centre, width, height, rng):
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2] + centre
    corners += rng.normal(0, 0.03 * width, (4, 2))
    cv2.fillPoly(shape, [corners.astype(np.int32)], 255, cv2.LINE_AA)


def _bottle(shape, centre, width, height, rng):
    steps = np.linspace(0, 1, 30)
    neck, shoulder = rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.45)
    half = width * 0.35 * (neck + (1 - neck) / (1 + np.exp(-(steps - shoulder) * rng.uniform(12, 40))))
    y = centre[1] + (steps - 0.5) * height
    left, right = np.stack([centre[0] - half, y], 1), np.stack([centre[0] + half, y], 1)
    cv2.fillPoly(shape, [np.concatenate([left, right[::-1]]).astype(np.int32)], 255, cv2.LINE_AA)


def _mug(shape, centre, width, height, rng):
    high = min(height, 1.3 * width)
    grip = (int(centre[0] + 0.5 * width), int(centre[1]))
    cv2.ellipse(
        shape, grip, (int(0.25 * width), int(0.3 * high)), 0, 0, 360, 255, max(3, int(0.09 * width)), cv2.LINE_AA
    )
    _box(shape, centre, width, high, rng)


def _lump(shape, centre, width, height, rng):
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    reach = 1 + sum(rng.normal(0, 0.18 / n) * np.cos(n * turn + rng.uniform(0, 6)) for n in range(1, 6))
    rim = centre + np.stack([reach * np.cos(turn) * width, reach * np.sin(turn) * height], 1) * 0.5
    cv2.fillPoly(shape, [rim.astype(np.int32)], 255, cv2.LINE_AA)


def _paint(canvas, shape, rng):
    height, width = shape.shape
    share = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), rng.uniform(0.5, 1.5))
    fall = cv2.GaussianBlur(
        np.roll(share, (round(0.02 * height), round(rng.normal(0, 0.03) * width)), (0, 1)), (0, 0), 0.03 * height
    )
    canvas *= 1 - rng.uniform(0, 0.5) * fall[..., None]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    light = 1 + rng.uniform(-0.35, 0.35) * x + rng.uniform(0, 0.3) * cloud(rng, height, width, int(rng.integers(2, 8)))
    if rng.random() < 0.2:
        light += rng.uniform(0.1, 0.5) * np.exp(-(((x - rng.uniform(-0.5, 0.5)) / 0.06) ** 2))
    if rng.random() < 0.5:
        # Round things grow darker towards their sides.
        left, _, wide, _ = cv2.boundingRect(shape)
        side = np.clip((2 * np.arange(width) - 2 * left - wide) / max(1, wide), -1, 1).astype(np.float32)
        light *= 1 - rng.uniform(0.2, 0.7) * np.abs(side - rng.uniform(-0.3, 0.3)) ** rng.uniform(1.5, 4)
    skin = rng.uniform(15, 250, 3)
    if rng.random() < 0.5:
        skin = skin.mean() + (skin - skin.mean()) * rng.uniform(0, 0.6)
    skin = skin * light[..., None]
    if rng.random() < 0.3:
        draw_check(skin, rng, (0, 0, width, height))
    canvas += (np.clip(skin, 0, 255) - canvas) * share[..., None]
    return light


def _own_label(canvas, shape, light, rng):
    _, top, _, high = cv2.boundingRect((shape > 128).astype(np.uint8))
    deep, down = round(rng.uniform(0.15, 0.5) * high), top + round(rng.uniform(0.3, 0.5) * high)
    across = np.flatnonzero(shape[min(len(shape) - 1, down + deep // 2)] > 128)
    if deep < 8 or len(across) < 10:
        return
    width = max(10, round(rng.uniform(0.4, 1.0) * len(across)))
    paper = rng.uniform(190, 255) * np.array([1, 0.98, 0.94]) if rng.random() < 0.5 else rng.uniform(10, 245, 3)
    ink = rng.uniform(0, 70, 3) if paper.mean() > 120 else rng.uniform(190, 255, 3)
    sheet = Image.new("RGB", (width, deep), tuple(int(value) for value in np.clip(paper, 0, 255)))
    pen, ink = ImageDraw.Draw(sheet), tuple(int(value) for value in ink)
    if rng.random() < 0.4:
        pen.rectangle((2, 2, width - 3, deep - 3), outline=ink)
    rows, edge = int(rng.integers(1, 4)), 0.12 * deep
    for row in range(rows):
        above = edge + row * (deep - 2 * edge) / rows
        name = "".join(rng.choice(SYLLABLES, rng.integers(2, 4)))
        name = name.upper() if rng.random() < 0.5 else name.title()
        box = (round(0.1 * width), round(above), round(0.9 * width), round(above + 0.8 * (deep - 2 * edge) / rows))
        if box[3] - box[1] > 4:
            draw_words(pen, rng, box, ink, name)
    label, bow = np.array(sheet, np.float32), rng.uniform(0, 0.12) * deep
    y, x = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]].astype(np.float32)
    x -= np.float32(across.mean() - width / 2)
    y -= np.float32(down) + np.float32(bow) * (1 - (2 * x / width - 1) ** 2)
    label = cv2.remap(label, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (x > 0) & (x < width) & (y > 0) & (y < deep) & (shape > 128)
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.6) * np.float32(rng.uniform(0.85, 1))
    canvas += (np.clip(label * light[..., None], 0, 255) - canvas) * share[..., None]
