"""What looks like a tag and is none: what belongs to the material, or lies beside it.

Small blank discs are among it, unless price dots are to be learnt, which look the same: in a shop a disc that lies
alone is one more often than anything else.
"""

from functools import partial

import cv2
import numpy as np
from faces import a_line, draw_bars, draw_words
from PIL import Image, ImageDraw
from scenery import cloud, draw_ball, draw_check, draw_thing


def decoys(photo, rng, *, discs=True):
    """Prints, pockets, buttons, patterns in the material; things, balls and pieces of other material on it.

    `discs` says whether small blank ones may be among them.
    """
    printed, buttons, dots, swatch, ball = (
        partial(kind, discs=discs) for kind in (_printed, _buttons, _dots, _swatch, _ball)
    )
    kinds = (printed, printed, printed, _pocket, buttons, _panel, _patch, _check, dots, swatch, _thing, ball)
    canvas = photo.astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        kinds[rng.integers(len(kinds))](canvas, rng)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _spot(canvas, rng, least, most):
    height, width = canvas.shape[:2]
    side = np.exp(rng.uniform(np.log(least), np.log(most))) * max(height, width)
    wide, high = max(8, int(side)), max(8, int(side * rng.uniform(0.4, 1.3)))
    left, top = int(rng.uniform(-0.1, 0.9) * width), int(rng.uniform(-0.1, 0.9) * height)
    left, top = max(0, left), max(0, top)
    return left, top, min(wide, width - left), min(high, height - top)


def _printed(canvas, rng, discs):
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
            is_disc = rng.random() < 0.5
            is_full = rng.random() < (0.2 if is_disc and not discs else 0.6)
            (pen.ellipse if is_disc else pen.rectangle)(spot, fill=255 if is_full else None, outline=255)
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


def _buttons(canvas, rng, discs):
    height, width = canvas.shape[:2]
    radius = max(2, int(rng.uniform(0.008, 0.03 if discs else 0.02) * max(height, width)))
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


def _check(canvas, rng):
    draw_check(canvas, rng, _spot(canvas, rng, 0.3, 1.0))


def _dots(canvas, rng, discs):
    """A printed pattern: the same mark again and again, at even steps."""
    left, top, wide, high = _spot(canvas, rng, 0.3, 1.0)
    under = canvas[top : top + high, left : left + wide]
    step = float(np.exp(rng.uniform(np.log(9), np.log(60))))
    if not discs:
        # One mark alone would be no pattern.
        step = min(step, max(9, min(wide, high) / 3))
    radius, share = max(2, int(step * rng.uniform(0.15, 0.45))), np.zeros(under.shape[:2], np.uint8)
    corners = int(rng.choice([0, 3, 4, 5, 6]))
    turn, slant = rng.uniform(0, 6), rng.choice([0, 0.5])
    rim = np.linspace(0, 2 * np.pi, corners or 20, endpoint=False)
    for row in range(int(high / step) + 1):
        for column in range(int(wide / step) + 1):
            at = ((column + slant * (row % 2)) * step, row * step)
            mark = np.stack([np.cos(rim + turn), np.sin(rim + turn)], 1) * radius + at
            cv2.fillPoly(share, [np.round(mark * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    weave = (under.mean(2, keepdims=True) + 30) / (under.mean() + 30)
    strength = share[..., None] * np.float32(rng.uniform(0.4, 0.95) / 255)
    under += (np.clip(rng.uniform(0, 255, 3) * weave, 0, 255) - under) * strength


def _swatch(canvas, rng, discs):
    """A piece cut from elsewhere in the picture, in other light: a cushion, a poster, a plate."""
    left, top, wide, high = _spot(canvas, rng, 0.06, 0.35)
    height, width = canvas.shape[:2]
    if min(wide, high) < 8:
        return
    y, x = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
    piece = np.rot90(canvas[y : y + high, x : x + wide], 2) * rng.uniform(0.5, 1.6, 3)
    shape = np.zeros((high, wide), np.uint8)
    if rng.random() < 0.4 and (discs or max(wide, high) > 0.2 * max(height, width)):
        cv2.ellipse(shape, (wide // 2, high // 2), (wide // 2 - 1, high // 2 - 1), 0, 0, 360, 255, -1, cv2.LINE_AA)
    else:
        turned = cv2.boxPoints(((wide / 2, high / 2), (0.8 * wide, 0.8 * high), float(rng.normal(0, 12))))
        cv2.fillPoly(shape, [np.round(turned * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    under = canvas[top : top + high, left : left + wide]
    if rng.random() < 0.5:
        cast = cv2.GaussianBlur(np.roll(shape, (2, 2), (0, 1)), (0, 0), rng.uniform(1, 4))
        under *= 1 - cast[..., None] * np.float32(rng.uniform(0.1, 0.5) / 255)
    under += (np.clip(piece, 0, 255) - under) * (shape[..., None] / np.float32(255))


def _thing(canvas, rng):
    """A bottle, a mug or a lump that stands about. No box: a plain one could not be told from a bare tag."""
    height, width = canvas.shape[:2]
    high, wide = np.exp(rng.uniform(np.log(0.08), np.log(0.5), 2)) * max(height, width)
    draw_thing(canvas, rng.uniform(0.05, 0.95, 2) * [width, height], wide, high, rng, boxes=False)


def _ball(canvas, rng, discs):
    height, width = canvas.shape[:2]
    radius = np.exp(rng.uniform(np.log(0.025 if discs else 0.06), np.log(0.2))) * max(height, width)
    draw_ball(canvas, rng.uniform(0.05, 0.95, 2) * [width, height], radius, rng)
