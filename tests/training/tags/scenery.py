"""What tags hang on when no photo serves, and what looks like a tag and is none."""

import cv2
import numpy as np
from faces import a_line, draw_bars, draw_words
from PIL import Image, ImageDraw


def draw_scene(rng, size):
    """A made product picture: one to three boxes, bottles, mugs, balls or lumps before a lit wall."""
    canvas = _wall(rng, size)
    for _ in range(int(rng.integers(1, 4))):
        shape, height, width = (
            np.zeros((size, size), np.uint8),
            rng.uniform(0.3, 0.8) * size,
            rng.uniform(0.2, 0.7) * size,
        )
        centre = rng.uniform(0.25, 0.75, 2) * size
        draw = (_box, _bottle, _mug, _lump)[rng.integers(4)]
        draw(shape, centre, width, height, rng)
        _paint(canvas, shape, rng)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def decoys(photo, rng):
    """Prints, pockets, buttons, patches, panels: drawn into the material, without thickness, so no tags."""
    canvas = photo.astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        (_printed, _printed, _pocket, _buttons, _panel, _patch, _check)[rng.integers(7)](canvas, rng)
    return np.clip(canvas, 0, 255).astype(np.uint8)


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
    return wall.astype(np.float32)


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
    size = shape.shape[0]
    share = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), rng.uniform(0.5, 1.5))
    fall = cv2.GaussianBlur(
        np.roll(share, (round(0.02 * size), round(rng.normal(0, 0.03) * size)), (0, 1)), (0, 0), 0.03 * size
    )
    canvas *= 1 - rng.uniform(0, 0.5) * fall[..., None]
    x = np.linspace(-1, 1, size, dtype=np.float32)
    light = 1 + rng.uniform(-0.35, 0.35) * x + rng.uniform(0, 0.3) * cloud(rng, size, size, int(rng.integers(2, 8)))
    if rng.random() < 0.2:
        light += rng.uniform(0.1, 0.5) * np.exp(-(((x - rng.uniform(-0.5, 0.5)) / 0.06) ** 2))
    skin = rng.uniform(15, 250, 3) * light[..., None]
    if rng.random() < 0.3:
        _check(skin, rng, whole=True)
    canvas += (np.clip(skin, 0, 255) - canvas) * share[..., None]


def _spot(canvas, rng, least, most):
    height, width = canvas.shape[:2]
    side = np.exp(rng.uniform(np.log(least), np.log(most))) * max(height, width)
    wide, high = max(8, int(side)), max(8, int(side * rng.uniform(0.4, 1.3)))
    left, top = int(rng.uniform(-0.1, 0.9) * width), int(rng.uniform(-0.1, 0.9) * height)
    left, top = max(0, left), max(0, top)
    return left, top, min(wide, width - left), min(high, height - top)


def _printed(canvas, rng):
    """Letters and marks in the cloth itself: its folds and its weave show through."""
    left, top, wide, high = _spot(canvas, rng, 0.08, 0.5)
    if min(wide, high) < 8:
        return
    sheet = Image.new("L", (wide, high), 0)
    pen = ImageDraw.Draw(sheet)
    rows = int(rng.integers(1, 5))
    for row in range(rows):
        box = (1, row * high // rows, wide - 1, (row + 1) * high // rows - 2)
        pick = rng.random()
        if box[3] - box[1] < 5:
            continue
        if pick < 0.7:
            draw_words(pen, rng, box, 255, a_line(rng, price=rng.random() < 0.15))
        elif pick < 0.76:
            draw_bars(pen, rng, box, 255)
        else:
            spot = (wide * rng.uniform(0.05, 0.4), box[1], wide * rng.uniform(0.5, 0.95), box[3])
            (pen.ellipse if rng.random() < 0.5 else pen.rectangle)(
                spot, fill=255 if rng.random() < 0.6 else None, outline=255
            )
    share = np.array(sheet, np.float32)[..., None] / 255 * np.float32(rng.uniform(0.45, 0.95))
    spin = cv2.getRotationMatrix2D((wide / 2, high / 2), float(rng.normal(0, 15)), 1)
    share = cv2.warpAffine(share, spin, (wide, high))[..., None]
    under = canvas[top : top + high, left : left + wide]
    weave = (under.mean(2, keepdims=True) + 20) / (cv2.blur(under, (9, 9)).mean(2, keepdims=True) + 20)
    under += (np.clip(rng.uniform(0, 255, 3) * weave, 0, 255) - under) * share


def _panel(canvas, rng):
    """A plain area of another colour in the same plane: the cloth's relief goes on, nothing is thrown upon it."""
    left, top, wide, high = _spot(canvas, rng, 0.08, 0.6)
    under = canvas[top : top + high, left : left + wide]
    if rng.random() < 0.5:
        under *= rng.uniform(0.6, 1.35, 3).astype(np.float32)
    else:
        under += rng.uniform(0.2, 0.5) * (rng.uniform(0, 255, 3).astype(np.float32) - under)


def _pocket(canvas, rng):
    """Seams round a piece of the same cloth."""
    left, top, wide, high = _spot(canvas, rng, 0.12, 0.4)
    corners = [[0, 0], [wide, 0], [wide, 0.8 * high], [wide / 2, high], [0, 0.8 * high]]
    rim = np.add(corners, [left, top])
    layer = np.zeros(canvas.shape[:2], np.uint8)
    cv2.polylines(layer, [rim.astype(np.int32)], True, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
    inner = ((rim - [left + wide / 2, top + high / 2]) * 0.9 + [left + wide / 2, top + high / 2]).astype(np.int32)
    for start, end in zip(inner, np.roll(inner, -1, 0), strict=True):
        for step in np.arange(0, 1, 0.1):
            one, two = start + (end - start) * step, start + (end - start) * (step + 0.06)
            cv2.line(layer, one.astype(int).tolist(), two.astype(int).tolist(), 200, 1, cv2.LINE_AA)
    tone = rng.choice([0.5, 0.7, 1.4, 1.7])
    canvas *= 1 + (tone - 1) * layer[..., None].astype(np.float32) / 255


def _buttons(canvas, rng):
    height, width = canvas.shape[:2]
    radius = max(2, int(rng.uniform(0.008, 0.03) * max(height, width)))
    colour = tuple(float(value) for value in rng.uniform(10, 245, 3))
    x, y, step = rng.uniform(0.1, 0.9) * width, rng.uniform(0.05, 0.5) * height, radius * rng.uniform(4, 9)
    for index in range(int(rng.integers(1, 7))):
        at = (int(x + rng.normal(0, 1)), int(y + index * step))
        cv2.circle(canvas, (at[0] + 1, at[1] + 1), radius, tuple(value * 0.4 for value in colour), -1, cv2.LINE_AA)
        cv2.circle(canvas, at, radius, colour, -1, cv2.LINE_AA)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            cv2.circle(
                canvas, (at[0] + dx * radius // 3, at[1] + dy * radius // 3), max(1, radius // 6), (20, 20, 20), -1
            )


def _patch(canvas, rng):
    """A sewn badge: cloth upon cloth, stitched all round."""
    left, top, wide, high = _spot(canvas, rng, 0.06, 0.22)
    under = canvas[top : top + high, left : left + wide]
    if min(under.shape[:2]) < 8:
        return
    tile = rng.uniform(20, 230, 3) * (1 + 0.25 * cloud(rng, *under.shape[:2], 7)[..., None])
    stitch = np.zeros(under.shape[:2], np.uint8)
    cv2.rectangle(stitch, (1, 1), (wide - 2, high - 2), 255, 2)
    stitch[(np.add.outer(np.arange(stitch.shape[0]), np.arange(stitch.shape[1])) // 3) % 2 == 0] = 0
    under[:] = tile * np.clip(under.mean(2, keepdims=True) / (under.mean() + 1), 0.6, 1.4)
    under += (rng.uniform(0, 255, 3) - under) * (stitch[..., None] > 0)


def _check(canvas, rng, *, whole=False):
    height, width = canvas.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    turn, pitch = rng.uniform(0, np.pi), rng.uniform(6, 40)
    one = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / pitch) > rng.uniform(-0.6, 0.8)
    two = np.sin((y * np.cos(turn) - x * np.sin(turn)) * 2 * np.pi / pitch) > rng.uniform(-0.6, 0.8)
    share = one * 0.5 + (two * 0.5 if rng.random() < 0.6 else 0)
    if not whole:
        left, top, wide, high = _spot(canvas, rng, 0.3, 1.0)
        kept = np.zeros((height, width), np.float32)
        kept[top : top + high, left : left + wide] = 1
        share = share * kept
    share = (share * rng.uniform(0.3, 0.9))[..., None].astype(np.float32)
    canvas += (rng.uniform(10, 245, 3).astype(np.float32) * (canvas.mean(2, keepdims=True) + 60) / 190 - canvas) * share
