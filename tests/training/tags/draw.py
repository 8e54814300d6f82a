"""Tags on photos: bent, turned, lit, tied to a string, with a shadow, as a camera would have seen them."""

from dataclasses import dataclass

import cv2
import numpy as np
from faces import BLANK, draw_face

STRING_COLOURS = ((238, 236, 230), (28, 26, 26), (196, 164, 116), (150, 30, 34), (120, 120, 122))


@dataclass(frozen=True, slots=True)
class Layer:
    """A tag ready to be laid on a photo. All are uint8: RGB, cover of tag and of string, and how much it shades."""

    colour: np.ndarray
    body: np.ndarray
    string: np.ndarray
    shade: np.ndarray
    kind: str

    @property
    def size(self):
        """Height and width."""
        return self.body.shape


def draw_layer(rng, long_px, blank_discs=BLANK):
    """A tag whose longer side measures about `long_px`."""
    face = draw_face(rng, blank_discs)
    colour, cover = _curled(face, rng)
    height, width = cover.shape
    scale = long_px / max(height, width)
    tied = face.hole is not None and rng.random() < 0.8
    room = long_px * (1.5 if tied else 0.45)
    side = int(np.ceil(1.5 * long_px + 2 * room))
    # Small tags are averaged down first: a warp alone would leave out most of the print.
    if scale < 0.7:
        small = (max(4, round(width * scale * 1.2)), max(4, round(height * scale * 1.2)))
        colour = cv2.resize(colour, small, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(cover, small, interpolation=cv2.INTER_AREA)
    turn = _turn(rng)
    matrix = _pose(cover.shape, (width * scale, height * scale), side, turn, rng)
    colour = cv2.warpPerspective(colour, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    body = cv2.warpPerspective(cover, matrix, (side, side), flags=cv2.INTER_LINEAR)
    string = np.zeros((side, side), np.uint8)
    if tied:
        hole = np.array(face.hole) * [cover.shape[1] / width, cover.shape[0] / height]
        at = cv2.perspectiveTransform(np.array([[hole]], np.float32), matrix)[0, 0]
        string = _string(at, turn, long_px, side, rng)
        paint = np.array(STRING_COLOURS[rng.integers(len(STRING_COLOURS))]) * rng.uniform(0.8, 1.05)
        share = string[..., None] / np.float32(255)
        colour = (colour * (1 - share) + np.clip(paint, 0, 255) * share).astype(np.uint8)
    shade = _shade(body, string, long_px, face.kind, rng)
    used = np.argwhere((body > 4) | (string > 4) | (shade > 4))
    (top, left), (bottom, right) = used.min(0), used.max(0) + 1
    part = (slice(top, bottom), slice(left, right))
    return Layer(*(np.ascontiguousarray(plane[part]) for plane in (colour, body, string, shade)), face.kind)


def lay(photo, layer, corner, rng):
    """Lay a tag on a float photo in place; return the covers of the tag and of its string at the photo's size."""
    height, width = photo.shape[:2]
    high, wide = layer.size
    left, top = corner
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + wide), min(height, top + high)
    body, string = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    if x1 <= x0 or y1 <= y0:
        return body, string
    here, there = (slice(y0, y1), slice(x0, x1)), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    under = photo[here]
    gain, cast = _light(photo, here, rng)
    under *= 1 - layer.shade[there][..., None] / np.float32(255)
    cover = np.maximum(layer.body[there], layer.string[there])[..., None] / np.float32(255)
    under += (np.clip(layer.colour[there] * (gain[..., None] * cast), 0, 255) - under) * cover
    body[here], string[here] = layer.body[there], layer.string[there]
    return body, string


def turned(layer, rng):
    """The same tag mirrored, resized a little or in other colours: one drawing serves several pictures."""
    planes = [layer.colour, layer.body, layer.string, layer.shade]
    if rng.random() < 0.3:
        planes = [np.ascontiguousarray(plane[:, ::-1]) for plane in planes]
    if rng.random() < 0.25:
        planes[0] = planes[0][..., rng.permutation(3)]
    factor = float(np.exp(rng.uniform(-0.35, 0.2)))
    size = (max(6, round(planes[1].shape[1] * factor)), max(6, round(planes[1].shape[0] * factor)))
    planes = [
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR) for plane in planes
    ]
    return Layer(*planes, layer.kind)


def photographed(photo, rng):
    """What a camera and a web shop do to a picture: softness, noise, sharpening, JPEG."""
    if rng.random() < 0.35:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.3))
    elif rng.random() < 0.2:
        photo = photo + rng.uniform(0.3, 1.2) * (photo - cv2.GaussianBlur(photo, (0, 0), 1.2))
    if rng.random() < 0.4:
        grain = rng.standard_normal(photo.shape[:2], np.float32)[..., None] * np.float32(rng.uniform(1, 8))
        photo = photo + grain
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))])
        photo = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return photo


def tagged(photo, layers, rng):
    """Lay several tags; return the float photo, cover of all tags, of all strings, and one mask for each tag."""
    height, width = photo.shape[:2]
    canvas = photo.astype(np.float32)
    bodies, strings, pieces = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8), []
    for layer in layers:
        high, wide = layer.size
        spots = np.argwhere(layer.body > 128)
        middle = spots.mean(0) if len(spots) else np.array([high / 2, wide / 2])
        for _ in range(6):
            x, y = np.clip(rng.normal(0.5, 0.23, 2), 0.03, 0.97) * [width, height]
            corner = (round(x - middle[1]), round(y - middle[0]))
            if _free(bodies, layer, corner):
                body, string = lay(canvas, layer, corner, rng)
                if (body > 128).sum() > 40:
                    strings = np.maximum(np.minimum(strings, 255 - body), string)
                    bodies = np.maximum(bodies, body)
                    pieces.append((layer.kind, np.maximum(body, string) > 100, body > 128))
                break
    return canvas, bodies, strings, pieces


def _free(taken, layer, corner):
    height, width = taken.shape
    left, top = max(0, corner[0]), max(0, corner[1])
    right, bottom = min(width, corner[0] + layer.size[1]), min(height, corner[1] + layer.size[0])
    return right > left and bottom > top and not (taken[top:bottom, left:right] > 0).any()


def _curled(face, rng):
    if rng.random() > 0.35:
        return face.colour, face.cover
    height, width = face.cover.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bow = np.float32(rng.uniform(-0.07, 0.07))
    across = rng.random() < 0.5
    wave = np.sin(np.pi * (x / width if across else y / height)).astype(np.float32)
    x, y = (x, y + bow * height * wave) if across else (x + bow * width * wave, y)
    light = 1 + np.float32(rng.uniform(-0.15, 0.15)) * np.cos(np.pi * (x / width if across else y / height))
    colour = cv2.remap(face.colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colour = np.clip(colour * light[..., None], 0, 255).astype(np.uint8)
    return colour, cv2.remap(face.cover, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _turn(rng):
    pick = rng.random()
    degrees = rng.normal(0, 8) if pick < 0.45 else rng.normal(0, 30) if pick < 0.85 else rng.uniform(-180, 180)
    return np.deg2rad(degrees)


def _pose(shape, size, side, turn, rng):
    height, width = shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    goal = (corners / [width, height] - 0.5) * size
    if rng.random() < 0.35:
        goal[:, rng.integers(2)] *= rng.uniform(0.55, 1)
    skew = rng.choice([0.004, 0.03, 0.07], p=[0.35, 0.45, 0.2])
    goal = goal + rng.normal(0, skew, (4, 2)) * max(size)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return cv2.getPerspectiveTransform(corners, (goal @ spin.T + side / 2).astype(np.float32))


def _string(start, turn, long_px, side, rng):
    plane = np.zeros((side, side), np.uint8)
    up = np.array([np.sin(turn), -np.cos(turn)])
    end = start + (up * rng.uniform(0.3, 1.4) + rng.normal(0, 0.22, 2)) * long_px
    thick = max(1, round(float(rng.uniform(0.012, 0.045) * long_px + rng.uniform(0.2, 0.9))))
    steps = np.linspace(0, 1, 24)[:, None]
    for _ in range(int(rng.integers(1, 3))):
        one, two = start + rng.normal(0, 0.18, 2) * long_px, end + rng.normal(0, 0.22, 2) * long_px
        curve = (1 - steps) ** 3 * start + 3 * (1 - steps) ** 2 * steps * one
        curve = curve + 3 * (1 - steps) * steps**2 * two + steps**3 * end
        cv2.polylines(plane, [np.round(curve * 16).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    if rng.random() < 0.2:
        cv2.circle(plane, tuple(int(value) for value in end), thick + 1, 255, -1, cv2.LINE_AA)
    if thick == 1 and rng.random() < 0.6:
        plane = (plane * rng.uniform(0.5, 1)).astype(np.uint8)
    return plane


def _shade(body, string, long_px, kind, rng):
    loose = kind in ("hang", "price", "kraft")
    if rng.random() < (0.08 if loose else 0.3):
        return np.zeros_like(body)
    away = (rng.uniform(0.02, 0.12) if loose else rng.uniform(0.0, 0.03)) * long_px
    turn = rng.uniform(0, np.pi)
    shift = np.array([[1, 0, away * np.cos(turn)], [0, 1, away * np.sin(turn)]], np.float32)
    both = np.maximum(body, string).astype(np.float32)
    cast = cv2.warpAffine(both, shift, body.shape[::-1])
    cast = cv2.GaussianBlur(cast, (0, 0), max(0.6, away * rng.uniform(0.3, 1.1)))
    touch = cv2.GaussianBlur(both, (0, 0), max(0.7, 0.015 * long_px)) * rng.uniform(0, 0.35)
    return np.clip(np.maximum(cast * rng.uniform(0.12, 0.6), touch), 0, 255).astype(np.uint8)


def _light(photo, here, rng):
    """The scene's light where the tag lies, and its colour."""
    grey = cv2.resize(photo, (8, 8), interpolation=cv2.INTER_AREA)
    tint = grey.mean((0, 1))
    grey = grey @ np.array([0.3, 0.59, 0.11], np.float32)
    whole = cv2.resize(cv2.GaussianBlur(grey, (0, 0), 1.0), photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    local = np.clip(whole[here] / (grey.mean() + 1), 0.5, 1.5) ** np.float32(rng.uniform(0.1, 0.7))
    level = np.clip((np.percentile(grey, 85) + 40) / 215, 0.55, 1.05) * rng.uniform(0.82, 1.1)
    cast = (tint / (tint.mean() + 1)) ** rng.uniform(0, 0.5)
    return (local * level).astype(np.float32), cast.astype(np.float32)
