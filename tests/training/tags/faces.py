"""The faces of tags: outline, paper and print, drawn flat, before anything bends, lights or photographs them."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

KINDS = ("price", "hang", "sticker", "round", "star", "barcode", "care", "kraft")
SHARES = (0.2, 0.2, 0.15, 0.13, 0.05, 0.12, 0.07, 0.08)
LONG_PX = 280
#: How many carry no print.
BLANK = 0.05
WORDS = (
    *("SALE", "NEW", "ONLY", "NOW", "OFFER", "OUTLET", "BEST", "DEAL", "HAND", "MADE", "ORGANIC", "FRESH", "PACK"),
    *(
        "size",
        "cotton",
        "wool",
        "linen",
        "wash",
        "cold",
        "iron",
        "made in",
        "style",
        "colour",
        "item",
        "art. no",
        "ref",
    ),
    *("lot", "rrp", "was", "100%", "care", "dry clean", "do not", "bleach", "batch", "model", "type", "qty", "per kg"),
)
SIGNS = ("$", "€", "£", "¥", "kr", "zł", "Fr.", "")


@dataclass(frozen=True, slots=True)
class Face:
    """A tag as its printer sees it: RGB, cover from 0 to 255, and where a string goes through it."""

    colour: np.ndarray
    cover: np.ndarray
    hole: tuple[float, float] | None
    kind: str


def draw_face(rng, blank_discs=BLANK):
    """One tag of a kind drawn by chance; how many of the round ones carry no print may be given."""
    kind = str(rng.choice(KINDS, p=SHARES))
    width, height = _size(kind, rng)
    paper, ink = _colours(kind, rng)
    sheet = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(sheet)
    outline = _outline(kind, rng)
    hole = (0.5, rng.uniform(0.07, 0.13)) if kind in ("hang", "price", "kraft") and rng.random() < 0.75 else None
    blank = blank_discs if kind in ("round", "star") else BLANK
    _print(pen, kind, rng, (width, height), ink, paper, hole, blank)
    cover = np.zeros((height, width), np.uint8)
    corners = np.round(outline * [width - 1, height - 1] * 16).astype(np.int32)
    cv2.fillPoly(cover, [corners], 255, cv2.LINE_AA, 4)
    colour = np.array(sheet)
    if hole:
        _punch(colour, cover, hole, rng)
        hole = (hole[0] * width, hole[1] * height)
    colour = _surface(colour, kind, rng)
    turns = int(rng.choice([0, 1, 2, 3], p=[0.8, 0.08, 0.04, 0.08])) if hole is None else 0
    return Face(np.rot90(colour, turns).copy(), np.rot90(cover, turns).copy(), hole, kind)


def _size(kind, rng):
    upright = {
        "price": (0.5, 1.1), "hang": (0.36, 0.85), "sticker": (1.0, 2.6), "round": (0.7, 1.3), "star": (0.95, 1.05),
        "barcode": (0.9, 2.4), "care": (0.3, 0.8), "kraft": (0.45, 2.2),
    }  # fmt: skip
    ratio = rng.uniform(*upright[kind])
    return (round(LONG_PX * ratio), LONG_PX) if ratio < 1 else (LONG_PX, round(LONG_PX / ratio))


def _colours(kind, rng):
    pick = rng.random()
    plain = kind in ("price", "hang", "barcode", "care")
    if kind == "kraft":
        paper = np.array([196, 160, 116]) * rng.uniform(0.75, 1.15) + rng.normal(0, 6, 3)
    elif pick < (0.72 if plain else 0.3):
        paper = np.array([1, 0.985, 0.95]) ** rng.uniform(0, 2.5) * rng.uniform(215, 255)
    elif pick < (0.84 if plain else 0.38):
        paper = np.full(3, rng.uniform(12, 60)) + rng.normal(0, 5, 3)
    elif pick < 0.9:
        hue = rng.choice([rng.uniform(0, 12), rng.uniform(12, 36), rng.uniform(36, 75), rng.uniform(75, 180)])
        paper = _from_hsv(hue, rng.uniform(120, 255), rng.uniform(150, 255))
    else:
        paper = _from_hsv(rng.uniform(0, 180), rng.uniform(20, 90), rng.uniform(190, 255))
    paper = np.clip(paper, 4, 255)
    bright = float(paper @ [0.3, 0.59, 0.11]) > 115
    if rng.random() < 0.75:
        ink = np.full(3, rng.uniform(0, 60) if bright else rng.uniform(215, 255))
    else:
        ink = _from_hsv(rng.uniform(0, 180), rng.uniform(150, 255), rng.uniform(60, 170) if bright else 255)
    return tuple(int(value) for value in paper), tuple(int(value) for value in ink)


def _from_hsv(hue, saturation, value):
    pixel = np.array([[[hue, saturation, value]]], np.uint8)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].astype(float)


def _outline(kind, rng):
    """The rim as a polygon in the unit square."""
    if kind == "round":
        return _star(rng.choice([0, 0, 0, 24]), 0.94)
    if kind == "star":
        return _star(int(rng.integers(8, 26)), rng.uniform(0.72, 0.9))
    style = rng.random()
    if kind in ("hang", "price", "kraft") and style < 0.4:
        cut, down = rng.uniform(0.12, 0.38), rng.uniform(0.05, 0.22)
        return np.array([[cut, 0], [1 - cut, 0], [1, down], [1, 1], [0, 1], [0, down]])
    if kind == "kraft" and style < 0.6:
        ragged = np.cumsum(rng.normal(0, 0.004, (2, 40)), axis=1)
        steps = np.linspace(0, 1, 40)
        left, right = np.stack([np.abs(ragged[0]), steps], 1), np.stack([1 - np.abs(ragged[1]), steps[::-1]], 1)
        return np.concatenate([right, left])
    return _rounded(rng.choice([0, 0, 0.05, 0.1, 0.2]))


def _rounded(radius):
    if radius == 0:
        return np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    turn = np.linspace(0, np.pi / 2, 7)
    centres = (
        (radius, radius, np.pi),
        (1 - radius, radius, 1.5 * np.pi),
        (1 - radius, 1 - radius, 0),
        (radius, 1 - radius, 0.5 * np.pi),
    )
    arcs = [
        np.stack([x + radius * np.cos(turn + start), y + radius * np.sin(turn + start)], 1) for x, y, start in centres
    ]
    return np.concatenate(arcs)


def _star(points, inner):
    count = max(72, 2 * points)
    turn = np.linspace(0, 2 * np.pi, 2 * points if points else count, endpoint=False)
    reach = np.where(np.arange(len(turn)) % 2, inner, 1.0) if points else np.ones(len(turn))
    return 0.5 + 0.5 * np.stack([reach * np.cos(turn), reach * np.sin(turn)], 1)


def _punch(colour, cover, hole, rng):
    height, width = cover.shape
    centre = (round(hole[0] * width), round(hole[1] * height))
    radius = max(2, round(rng.uniform(0.018, 0.045) * LONG_PX))
    if rng.random() < 0.5:
        rim = tuple(int(value) for value in rng.uniform(60, 230, 3))
        cv2.circle(colour, centre, round(radius * rng.uniform(1.4, 2)), rim, -1, cv2.LINE_AA)
    if rng.random() < 0.7:
        cv2.circle(cover, centre, radius, 0, -1, cv2.LINE_AA)
    else:
        cv2.circle(colour, centre, radius, (40, 36, 34), -1, cv2.LINE_AA)


def _surface(colour, kind, rng):
    """Paper is not one colour: fibres, a cast of light, a shine, a crease."""
    height, width = colour.shape[:2]
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    light = 1 + np.float32(rng.uniform(0, 0.25)) * along
    if rng.random() < 0.2:
        light *= 1 - np.float32(rng.uniform(0.04, 0.22)) * (along > rng.uniform(-0.3, 0.3))
    if kind in ("care", "kraft") or rng.random() < 0.2:
        grain = rng.normal(0, 0.03, (height // 2 + 1, width // 2 + 1)).astype(np.float32)
        light += cv2.resize(grain, (width, height))
    lit = colour * light[..., None]
    if kind != "care" and rng.random() < 0.25:
        shine = np.exp(-(((along - rng.uniform(-0.4, 0.4)) / rng.uniform(0.04, 0.2)) ** 2)) * rng.uniform(0.1, 0.6)
        lit += (255 - lit) * shine[..., None].astype(np.float32)
    return np.clip(lit, 0, 255).astype(np.uint8)


def _print(pen, kind, rng, size, ink, paper, hole, blank):
    width, height = size
    inset = 0.19 if kind in ("round", "star") else rng.uniform(0.05, 0.12)
    left, right = round(inset * width), round((1 - inset) * width)
    top = round((0.22 if hole else inset) * height)
    bottom = round((1 - inset) * height)
    if rng.random() < 0.25 and kind not in ("round", "star"):
        edge = round(rng.uniform(0.02, 0.05) * min(size))
        pen.rectangle((edge, edge, width - edge, height - edge), outline=ink, width=max(1, round(0.012 * LONG_PX)))
    if kind in ("round", "star") and rng.random() < 0.4:
        edge = round(rng.uniform(0.05, 0.11) * min(size))
        pen.ellipse((edge, edge, width - edge, height - edge), outline=ink, width=max(1, round(0.014 * LONG_PX)))
    if rng.random() < blank:
        return
    if rng.random() < 0.15:
        band = tuple(int(value) for value in rng.uniform(0, 255, 3))
        deep = round(rng.uniform(0.12, 0.4) * height)
        where = 0 if hole is None and rng.random() < 0.5 else height - deep
        pen.rectangle((0, where, width, where + deep), fill=band)
    rows = int(rng.integers(1, 4) if kind in ("round", "star", "sticker") else rng.integers(2, 9))
    shares = rng.uniform(0.4, 1.4, rows)
    shares[rng.integers(rows)] *= rng.uniform(1, 3.5)
    edges = np.round(top + np.concatenate([[0], np.cumsum(shares / shares.sum())]) * (bottom - top)).astype(int)
    for index, (above, below) in enumerate(pairwise(edges)):
        gap = round(0.12 * (below - above))
        box = (left, int(above) + gap, right, int(below) - gap)
        _row(pen, rng, box, ink, kind, barcode=kind == "barcode" and index == rows // 2)


def _row(pen, rng, box, ink, kind, *, barcode):
    left, top, right, bottom = box
    if bottom - top < 4 or right - left < 12:
        return
    pick = rng.random()
    if barcode or (pick < 0.12 and kind not in ("round", "star", "care")):
        draw_bars(pen, rng, box, ink)
    elif pick < 0.17:
        _squares(pen, rng, box, ink)
    elif pick < 0.24:
        middle, side = (left + right) / 2, 0.45 * min(bottom - top, right - left)
        spot = (middle - side, (top + bottom) / 2 - side, middle + side, (top + bottom) / 2 + side)
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)(
            spot, fill=ink if rng.random() < 0.5 else None, outline=ink
        )
    elif pick < 0.29:
        pen.line((left, (top + bottom) // 2, right, (top + bottom) // 2), fill=ink, width=max(1, (bottom - top) // 8))
    else:
        draw_words(pen, rng, box, ink, a_line(rng, price=pick < 0.6 and kind != "care"))


def a_line(rng, *, price=False):
    """Something to read: a price, a few words, a number."""
    if price:
        amount = f"{rng.integers(1, 500)}{rng.choice(['.99', ',95', '.50', '.00', '', ',-', '.49'])}"
        sign = str(rng.choice(SIGNS))
        return sign + amount if rng.random() < 0.6 else f"{amount} {sign}"
    if rng.random() < 0.3:
        return "".join(str(digit) for digit in rng.integers(0, 10, rng.integers(4, 14)))
    line = " ".join(str(word) for word in rng.choice(WORDS, rng.integers(1, 4)))
    return line.upper() if rng.random() < 0.6 else line.capitalize()


def draw_words(pen, rng, box, ink, text):
    """Set a line into a box, as large as it fits."""
    left, top, right, bottom = box
    size = max(6, bottom - top)
    font = ImageFont.load_default(size)
    wide = pen.textlength(text, font=font)
    if wide > right - left:
        size = max(5, int(size * (right - left) / wide))
        font = ImageFont.load_default(size)
        wide = pen.textlength(text, font=font)
    start = left + rng.choice([0, 0.5, 0.5]) * (right - left - wide)
    bold = max(0, size // 22) if rng.random() < 0.5 else 0
    pen.text((start, (top + bottom - size) / 2), text, font=font, fill=ink, stroke_width=bold, stroke_fill=ink)


def draw_bars(pen, rng, box, ink):
    """A barcode, with its number beneath now and then."""
    left, top, right, bottom = box
    unit = max(1.0, (right - left) / rng.uniform(45, 110))
    foot = bottom - (bottom - top) // 5 if rng.random() < 0.4 else bottom
    at = float(left)
    while at < right - unit:
        bar = unit * rng.integers(1, 4)
        pen.rectangle((at, top, min(right, at + bar - 1), foot), fill=ink)
        at += bar + unit * rng.integers(1, 4)
    if foot < bottom - 4:
        draw_words(pen, rng, (left, foot + 1, right, bottom), ink, a_line(rng))


def _squares(pen, rng, box, ink):
    left, top, right, bottom = box
    cells = int(rng.integers(13, 26))
    side = min(right - left, bottom - top) / cells
    if side < 1:
        return
    for row, column in np.argwhere(rng.random((cells, cells)) < 0.48):
        x, y = left + column * side, top + row * side
        pen.rectangle((x, y, x + side - 0.4, y + side - 0.4), fill=ink)
    for row, column in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        for ring, fill in ((0, ink), (1, (250, 250, 250)), (2, ink)):
            x, y = left + (column + ring) * side, top + (row + ring) * side
            pen.rectangle((x, y, x + (7 - 2 * ring) * side, y + (7 - 2 * ring) * side), fill=fill)
