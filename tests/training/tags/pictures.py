"""Training pictures without end: photos or made scenes, decoys, and on half of them tags."""

import csv
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from decoys import decoys
from draw import draw_layer, photographed, tagged, turned
from scenery import draw_scene

GREY = 118
HELD_OUT = 0.15
SPOTS = Path(__file__).with_name("spots.csv")


@dataclass(frozen=True, slots=True)
class Ground:
    """A picture to lay tags on: RGB and, as fourth plane, where it shows a real tag (255), so that nothing is taught.

    `tricky` are those on which an earlier network took something for a tag that is none.
    """

    planes: np.ndarray
    tricky: bool = False

    @property
    def photo(self):
        """The picture alone."""
        return np.ascontiguousarray(self.planes[..., :3])

    @property
    def unsure(self):
        """Where it shows a real tag."""
        return self.planes[..., 3] > 0


@dataclass(frozen=True, slots=True)
class Stock:
    """What pictures are put together from."""

    photos: list
    tricky: list
    scenes: list
    layers: list


def is_held_out(path):
    """Whether a photo is kept for judging: by its name alone, so that no run can mix them up."""
    return int(sha256(path.name.encode()).hexdigest()[:8], 16) / 2**32 < HELD_OUT


def read_photos(folder, *, held_out):
    """The photos of a folder, those for judging or the others, with what `spots.csv` says of them."""
    paths = [path for path in sorted(folder.glob("*.jpg")) if is_held_out(path) == held_out]
    spots = {path.name: [] for path in paths}
    with SPOTS.open(newline="") as lines:
        for spot in csv.DictReader(lines):
            spots.setdefault(spot["photo"], []).append(spot)
    return [_read(path, spots[path.name]) for path in paths]


def _read(path, spots):
    photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    tags = np.zeros(photo.shape[:2], np.uint8)
    for spot in spots:
        left, top, width, height = (int(spot[edge]) for edge in ("left", "top", "width", "height"))
        if spot["what"] == "tag":
            room = 3 + max(width, height) // 4
            tags[max(0, top - room) : top + height + room, max(0, left - room) : left + width + room] = 255
    return Ground(np.dstack([photo, tags]), tricky=any(spot["what"] == "alike" for spot in spots))


def draw_layers(task):
    """Some tags of all sizes; `task` is a seed and a count."""
    seed, count = task
    rng = np.random.default_rng([seed, 1])
    return [draw_layer(rng, float(np.exp(rng.uniform(np.log(14), np.log(125))))) for _ in range(count)]


def draw_scenes(task):
    """Some product scenes; `task` is a seed and a count."""
    seed, count = task
    rng = np.random.default_rng([seed, 2])
    scenes = [draw_scene(rng, 288) for _ in range(count)]
    return [Ground(np.dstack([scene, np.zeros(scene.shape[:2], np.uint8)])) for scene in scenes]


def draw_batch(stock, seed, count, crop):
    """Pictures, their planes of tag and string (0 to 255), and a weight for each pixel (in fiftieths)."""
    rng = np.random.default_rng([seed, 3])
    made = [_picture(stock, rng, crop, with_tags=index % 2 == 0) for index in range(count)]
    return tuple(np.stack(planes) for planes in zip(*made, strict=True))


def _picture(stock, rng, crop, *, with_tags):
    pick = rng.random()
    grounds = stock.scenes if pick < 0.25 else stock.tricky if pick < 0.4 else stock.photos
    ground = grounds[rng.integers(len(grounds))]
    ground = Ground(_cropped(ground.planes, rng, crop))
    base = decoys(ground.photo, rng) if rng.random() < 0.45 else ground.photo
    layers = []
    if with_tags:
        count = int(rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.15, 0.1]))
        layers = [turned(stock.layers[rng.integers(len(stock.layers))], rng) for _ in range(count)]
    canvas, bodies, strings, pieces = tagged(base, layers, rng)
    picture = _relit(photographed(canvas, rng), rng)
    weight = np.full((crop, crop), 50, np.uint8)
    weight[ground.unsure & (np.maximum(bodies, strings) == 0)] = 0
    for _, whole, _ in pieces:
        # A price sticker of 15 pixels must count as much as a placard.
        share = np.clip(np.sqrt(1500 / whole.sum()), 1, 4)
        near = cv2.dilate(whole.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        weight[near] = np.uint8(50 * share)
    return picture, np.stack([bodies, strings]), weight


def _cropped(planes, rng, crop):
    """A square of a picture at some scale."""
    height, width = planes.shape[:2]
    scale = np.exp(rng.uniform(np.log(270), np.log(540))) / max(height, width)
    planes = cv2.resize(planes, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    height, width = planes.shape[:2]
    down, right = max(0, crop - height), max(0, crop - width)
    planes = cv2.copyMakeBorder(
        planes, down // 2, down - down // 2, right // 2, right - right // 2, cv2.BORDER_CONSTANT, value=(GREY,) * 3
    )
    top, left = (int(rng.integers(0, edge - crop + 1)) for edge in planes.shape[:2])
    planes = planes[top : top + crop, left : left + crop]
    if rng.random() < 0.5:
        planes = planes[:, ::-1]
    return np.ascontiguousarray(np.rot90(planes, rng.choice([0, 1, 2, 3], p=[0.76, 0.1, 0.04, 0.1])))


def _relit(picture, rng):
    if rng.random() < 0.4:
        return picture
    values = np.arange(256, dtype=np.float32) / 255
    bent = np.stack([values ** np.exp(rng.normal(0, 0.2)) * rng.uniform(0.85, 1.1) for _ in range(3)], 1)
    if rng.random() < 0.5:
        bent = np.repeat(bent.mean(1, keepdims=True), 3, 1)
    table = np.clip(bent * 255, 0, 255).astype(np.uint8)
    picture = cv2.LUT(np.ascontiguousarray(picture), table[None])
    if rng.random() < 0.1:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    return picture
