"""Training pictures without end: photos or made scenes, decoys, and on half of them tags."""

import csv
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from decoys import decoys
from draw import draw_layer, photographed, tagged, turned
from scenery import draw_scene

GREY = 118
HELD_OUT = 0.15
#: How long a photo's longer side is where it is looked at as a whole and from nearer by; how often the latter is drawn.
WHOLE_PX, NEAR_PX, NEAR = (270, 540), (540, 1100), 0.25
#: How many of the round stickers carry no print where price dots are to be learnt.
PRICE_DOTS = 0.25
SPOTS = Path(__file__).with_name("spots.csv")


@dataclass(frozen=True, slots=True)
class Ground:
    """A picture to lay tags on: RGB and, as fourth plane, where it shows a real tag (255), so that nothing is taught.

    `alike` are the middles (x, y) of what an earlier network took for a tag that is none.
    """

    planes: np.ndarray
    alike: tuple = ()

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
    """What pictures are put together from, and whether price dots are to be learnt, which look like other discs."""

    photos: list
    tricky: list
    scenes: list
    layers: list
    price_dots: bool = False


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
    tags, alike = np.zeros(photo.shape[:2], np.uint8), []
    for spot in spots:
        left, top, width, height = (int(spot[edge]) for edge in ("left", "top", "width", "height"))
        if spot["what"] == "tag":
            room = 3 + max(width, height) // 4
            tags[max(0, top - room) : top + height + room, max(0, left - room) : left + width + room] = 255
        else:
            alike.append((left + width / 2, top + height / 2))
    return Ground(np.dstack([photo, tags]), tuple(alike))


def draw_layers(task):
    """Some tags of all sizes; `task` is a seed, a count and whether price dots are to be learnt."""
    seed, count, price_dots = task
    rng = np.random.default_rng([seed, 1])
    if price_dots:
        # Chance is asked in another order than below, as in the two runs whose networks are bundled.
        lengths = np.exp(rng.uniform(np.log(14), np.log(125), count))
        return [draw_layer(rng, float(length), PRICE_DOTS) for length in lengths]
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
    tricky = 0.25 <= pick < 0.4
    grounds = stock.scenes if pick < 0.25 else stock.tricky if tricky else stock.photos
    ground = grounds[rng.integers(len(grounds))]
    # What was mistaken once is looked at again and again; the rest of these photos is as good as any other.
    focus = ground.alike[rng.integers(len(ground.alike))] if tricky and rng.random() < 0.7 else None
    near = rng.random() < NEAR
    ground = Ground(_cropped(ground.planes, rng, crop, NEAR_PX if near else WHOLE_PX, focus))
    base = ground.photo
    if focus is None and rng.random() < 0.45:
        base = decoys(base, rng, discs=not stock.price_dots)
    layers = []
    if with_tags:
        count = int(rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.15, 0.1]))
        layers = [turned(_layer(stock, rng, near=near), rng) for _ in range(count)]
        layers = [toned(layer, base, rng) if rng.random() < 0.08 else layer for layer in layers]
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


def _layer(stock, rng, *, near):
    """Some tag; what is seen from nearer by is larger."""
    picks = [stock.layers[index] for index in rng.integers(len(stock.layers), size=3 if near else 1)]
    return max(picks, key=lambda layer: layer.body.size)


def toned(layer, photo, rng):
    """A tag in a tone of the photo: on cloth like itself its outline and its print tell. Its string stays as it is."""
    row, column = (int(rng.integers(edge)) for edge in photo.shape[:2])
    goal = photo[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5].mean((0, 1))
    paper = np.median(layer.colour[layer.body > 128], axis=0) if (layer.body > 128).any() else goal
    shift = (goal - paper) * rng.uniform(0.4, 0.85)
    colour = layer.colour + shift * (layer.body > layer.string)[..., None]
    return replace(layer, colour=np.clip(colour, 0, 255).astype(np.uint8))


def _cropped(planes, rng, crop, span, focus=None):
    """A square of a picture, its longer side scaled into a span; a place of it to be in the square may be given."""
    height, width = planes.shape[:2]
    scale = np.exp(rng.uniform(*np.log(span))) / max(height, width)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    planes = cv2.resize(planes, (round(width * scale), round(height * scale)), interpolation=method)
    height, width = planes.shape[:2]
    down, right = max(0, crop - height), max(0, crop - width)
    middle = None if focus is None else (focus[1] * scale + down // 2, focus[0] * scale + right // 2)
    planes = cv2.copyMakeBorder(
        planes, down // 2, down - down // 2, right // 2, right - right // 2, cv2.BORDER_CONSTANT, value=(GREY,) * 3
    )
    corner = [int(rng.integers(0, edge - crop + 1)) for edge in planes.shape[:2]]
    if middle is not None:
        wanted = [at - crop * rng.uniform(0.2, 0.8) for at in middle]
        corner = [int(np.clip(at, 0, edge - crop)) for at, edge in zip(wanted, planes.shape, strict=False)]
    top, left = corner
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
