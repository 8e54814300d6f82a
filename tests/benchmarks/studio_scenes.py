"""Studio scenes with known truth: drawn products before a lit wall, with shadow, vignette, grain and JPEG.

Everything follows from the seed. The same products can be set into photographs (`before`), where only the picture
behind them is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Picture = NDArray[np.float32]
Random = np.random.Generator
#: Shapes are drawn this many times larger and scaled down, which gives their edge its true alpha.
FINE = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo, the true alpha, the subject's true colours and what was drawn."""

    photo: NDArray[np.uint8]
    alpha: Plane
    colours: NDArray[np.uint8]
    kind: str


def scene(seed: int, *, longest_px: int = 480, behind: Picture | None = None, cloth: Picture | None = None) -> Scene:
    """One scene; `behind` replaces the studio wall and `cloth` the drawn material (both 0 to 255, any size)."""
    random = np.random.default_rng(seed)
    height, width = [(longest_px, longest_px), (longest_px, longest_px * 3 // 4), (longest_px * 3 // 4, longest_px)][
        random.integers(3)
    ]
    kind = sorted(SHAPES)[seed % len(SHAPES)]
    count = random.integers(2, 4) if kind == "several" else 1
    back = wall(height, width, random) if behind is None else cv2.resize(behind, (width, height))
    total, colours, shade = np.zeros((height, width), np.float32), back.copy(), np.zeros((height, width), np.float32)
    for place in range(count):
        size = random.uniform(0.5, 0.85) * min(height, width) / (1 if count == 1 else 1.9)
        middle = (place + 0.5) / count if count > 1 else random.uniform(0.42, 0.58)
        foot = (random.uniform(0.8, 0.93) if count == 1 else random.uniform(0.65, 0.85)) * height
        alpha = _placed(SHAPES[kind](random), size, (middle * width, foot), (height, width))
        shade = np.maximum(shade, _shadow(alpha, random))
        material = _material(alpha, random, None if cloth is None else cv2.resize(cloth, (width, height)))
        colours = np.where((alpha > total)[..., None], material, colours)
        total = np.maximum(total, alpha)
    tint = np.array([1, 1, 1]) - random.uniform(0, 0.08, 3)
    back = back * (1 - shade[..., None] * tint)
    photo = colours * total[..., None] + back * (1 - total[..., None])
    return Scene(_developed(photo, random), total, np.clip(colours, 0, 255).astype(np.uint8), kind)


def wall(height: int, width: int, random: Random) -> Picture:
    """A backdrop under uneven light, perhaps with a soft horizon."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    level = [random.uniform(225, 253), random.uniform(130, 220), random.uniform(120, 230), random.uniform(20, 70)]
    manner = random.choice(4, p=[0.4, 0.25, 0.25, 0.1])
    colour = level[manner] + random.uniform(-4, 4, 3) if manner != 2 else random.uniform(60, 240, 3)
    light = 1 + random.uniform(-0.12, 0.12) * (x - 0.5) + random.uniform(-0.18, 0.18) * (y - 0.5)
    light = light * (1 - random.uniform(0, 0.25) * ((x - random.uniform(0.3, 0.7)) ** 2 + (y - 0.4) ** 2))
    horizon, softness = random.uniform(0.55, 0.85), random.uniform(0.01, 0.08)
    light = light * (1 - random.uniform(0, 0.1) / (1 + np.exp(-(y - horizon) / softness)))
    return np.asarray(np.clip(colour * light[..., None], 0, 255), np.float32)


def _canvas() -> NDArray[np.uint8]:
    return np.zeros((600, 600), np.uint8)


def _fill(canvas: NDArray[np.uint8], points: object, value: int = 255) -> None:
    cv2.fillPoly(canvas, [np.asarray(points, np.float32).reshape(-1, 2).astype(np.int32)], value)


def _bottle(random: Random) -> NDArray[np.uint8]:
    canvas = _canvas()
    belly, neck, shoulder = random.uniform(70, 150), random.uniform(22, 50), random.uniform(180, 280)
    t = np.linspace(0, 1, 30)
    half = np.concatenate([[neck, neck], neck + (belly - neck) * (3 * t**2 - 2 * t**3), [belly]])
    rows = np.concatenate([[10, shoulder - 90], shoulder - 90 + 90 * t, [590]])
    _fill(canvas, np.concatenate([np.stack([300 - half, rows], 1), np.stack([300 + half, rows], 1)[::-1]]))
    return canvas


def _mug(random: Random) -> NDArray[np.uint8]:
    canvas = _canvas()
    left, right, top = 60, random.integers(370, 430), random.integers(60, 180)
    reach, thick = random.integers(70, 120), random.integers(24, 40)
    cv2.ellipse(canvas, (int(right), int((top + 590) / 2)), (int(reach), int(reach * 1.3)), 0, 0, 360, 255, int(thick))
    _fill(canvas, [[left, top], [right, top], [right - random.integers(0, 50), 590], [left + 20, 590]])
    return canvas


def _shoe(random: Random) -> NDArray[np.uint8]:
    canvas = _canvas()
    toe = random.uniform(420, 470)
    outline = [[20, 560], [30, 400], [60, random.uniform(230, 300)], [150, 250], [210, 320], [330, 400], [500, toe]]
    closed = np.array([*outline, [580, 510], [575, 575], [300, 580]], np.float32)
    t = np.linspace(0, len(closed), 200, endpoint=False)
    nearest = np.exp(-0.5 * ((np.abs(t[:, None] - np.arange(len(closed)) + 5) % 10 - 5) / 0.42) ** 2)
    _fill(canvas, nearest @ closed / nearest.sum(axis=1, keepdims=True))
    return canvas


def _plant(random: Random) -> NDArray[np.uint8]:
    canvas = _canvas()
    _fill(canvas, [[200, 430], [400, 430], [370, 595], [230, 595]])
    for _ in range(random.integers(6, 12)):
        turn, length = random.uniform(-1.1, 1.1), random.uniform(220, 410)
        t = np.linspace(0, 1, 12)
        x = 300 + length * t * np.sin(turn) * (0.6 + 0.4 * t)
        y = 440 - length * t * np.cos(turn)
        cv2.polylines(canvas, [np.stack([x, y], 1).astype(np.int32)], False, 255, 7)
        leaf = (int(random.uniform(45, 80)), int(random.uniform(9, 24)))
        for at in (11, 8, 5):
            angle = np.degrees(turn) - 90 + random.uniform(-45, 45)
            cv2.ellipse(canvas, (int(x[at]), int(y[at])), leaf, angle, 0, 360, 255, -1)
    return canvas


def _ring(random: Random) -> NDArray[np.uint8]:
    canvas = _canvas()
    wide, thick = random.uniform(180, 250), random.uniform(26, 80)
    cv2.ellipse(canvas, (300, 320), (int(wide), int(random.uniform(170, 240))), 0, 0, 360, 255, int(thick))
    if random.random() < 0.5:
        cv2.circle(canvas, (300, 80), int(random.uniform(35, 65)), 255, -1)
    return canvas


def _stool(random: Random) -> NDArray[np.uint8]:
    canvas = _canvas()
    top, thick = random.integers(60, 220), int(random.integers(10, 26))
    _fill(canvas, [[90, top], [510, top], [500, top + 60], [100, top + 60]])
    for x, foot in ((130, 70), (470, 530), (240, 230), (360, 370)):
        cv2.line(canvas, (x, int(top) + 40), (foot, 590), 255, thick)
    cv2.line(canvas, (105, 440), (495, 440), 255, max(6, thick // 2))
    return canvas


def _any(random: Random) -> NDArray[np.uint8]:
    return [_bottle, _mug, _shoe, _ring][random.integers(4)](random)


SHAPES: dict[str, Callable[[Random], NDArray[np.uint8]]] = {
    "bottle": _bottle,
    "mug": _mug,
    "plant": _plant,
    "ring": _ring,
    "several": _any,
    "shoe": _shoe,
    "stool": _stool,
}


def _placed(shape: NDArray[np.uint8], size: float, foot: tuple[float, float], frame: tuple[int, int]) -> Plane:
    scale = size * FINE / 600
    move = np.array([[scale, 0, foot[0] * FINE - 300 * scale], [0, scale, foot[1] * FINE - 590 * scale]])
    fine = cv2.warpAffine(shape, move, (frame[1] * FINE, frame[0] * FINE), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(fine, (frame[1], frame[0]), interpolation=cv2.INTER_AREA), np.float32) / 255


def _shadow(alpha: Plane, random: Random) -> Plane:
    """Dark where the subject stands, and a softer cast to one side."""
    height, width = alpha.shape
    rows, columns = np.nonzero(alpha > 0.5)
    foot = rows.max()
    near = columns[rows > foot - 0.06 * height]
    contact = np.zeros_like(alpha)
    reach = max(4, int(0.55 * (near.max() - near.min()))), max(2, int(random.uniform(0.008, 0.03) * height))
    cv2.ellipse(contact, (int(near.mean()), int(foot)), reach, 0, 0, 360, 1.0, -1)
    contact = cv2.GaussianBlur(contact, (0, 0), random.uniform(0.006, 0.02) * width)
    lean, flat = random.uniform(-0.9, 0.9), random.uniform(0.12, 0.4)
    fall = np.array([[1, lean * flat, -lean * flat * foot], [0, -flat, foot * (1 + flat)]], np.float32)
    fall[1] = [0, flat * random.choice([-1, 1]), 0]
    fall[1, 2] = foot - fall[1, 1] * foot
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, fall, (width, height)), (0, 0), random.uniform(0.008, 0.03) * width)
    return np.asarray(np.maximum(random.uniform(0.2, 0.6) * contact, random.uniform(0, 0.35) * cast), np.float32)


def _material(alpha: Plane, random: Random, cloth: Picture | None) -> Picture:
    """Colour under a light from the side, with a gloss, a print and some grain of its own."""
    height, width = alpha.shape
    colour = random.uniform(15, 245, 3) if random.random() < 0.7 else np.full(3, random.uniform(15, 250))
    base = np.broadcast_to(colour, (height, width, 3)).astype(np.float32) if cloth is None else cloth
    inside = cv2.GaussianBlur((alpha > 0.5).astype(np.float32), (0, 0), 0.03 * width)
    x = cv2.Sobel(inside, cv2.CV_32F, 1, 0) * 0.03 * width
    y = cv2.Sobel(inside, cv2.CV_32F, 0, 1) * 0.03 * width
    angle = random.uniform(0, 2 * np.pi)
    light = 0.9 + 0.14 * (np.cos(angle) * x + np.sin(angle) * y)
    gloss = random.uniform(0, 60) * np.clip(np.cos(angle) * x + np.sin(angle) * y - 0.6, 0, 1)
    grain = cv2.resize(random.normal(0, random.uniform(0, 9), (height // 4, width // 4)), (width, height))
    material = base * light[..., None] + gloss[..., None] + grain[..., None]
    rows, columns = np.nonzero(alpha > 0.5)
    if random.random() < 0.45:
        top, left = np.percentile(rows, 45), np.percentile(columns, 30)
        bottom, right = np.percentile(rows, 75), np.percentile(columns, 70)
        material[int(top) : int(bottom), int(left) : int(right)] = random.uniform(20, 250, 3)
    return np.asarray(np.clip(material, 0, 255), np.float32)


def _developed(photo: Picture, random: Random) -> NDArray[np.uint8]:
    blurred = cv2.GaussianBlur(photo, (0, 0), random.uniform(0.3, 0.8))
    noisy = np.clip(blurred + random.normal(0, random.uniform(0.5, 3.5), photo.shape), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(75, 97))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
