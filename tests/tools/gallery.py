"""Contact sheets of what the embedded models do, to be looked at: before, mask or cut-out, after, 24 pictures each.

    python tests/tools/gallery.py [--pictures FOLDER] [--count 24] [-o gallery]

Without a folder, the bundled samples serve, each cropped, turned, lit and flipped in several ways.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from runflow_widgets import samples
from runflow_widgets.engine.models.cutout import DOUBTFUL, cut_out
from runflow_widgets.engine.models.inpaint import inpaint
from runflow_widgets.engine.models.isolate import IsolateOptions, frame_of, isolate, stands
from runflow_widgets.engine.models.matting import own_colours, refine
from runflow_widgets.engine.models.tags import find_tags, remove_tags
from runflow_widgets.images import from_array, open_image, to_array

CELL = 180
Photo = np.ndarray
Row = tuple[list[Image.Image], str]


def pictures(folder: Path | None, count: int) -> Iterator[tuple[str, Photo]]:
    """Names and pictures, 900 px on the longer side at most."""
    if folder is not None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png", ".webp"))
        for path in paths[:: max(1, len(paths) // count)][:count]:
            yield path.stem, to_array(shrunk(open_image(path).convert("RGB")))
        return
    bundled = [name for name in samples.names() if not name.endswith("_mask")]
    for number in range(count):
        name = bundled[number % len(bundled)]
        yield f"{name}-{number // len(bundled)}", varied(samples.load(name).convert("RGB"), number // len(bundled))


def shrunk(image: Image.Image) -> Image.Image:
    image.thumbnail((900, 900))
    return image


def varied(image: Image.Image, turn: int) -> Photo:
    """The same scene seen a little differently; turn 0 is the scene itself."""
    rng = np.random.default_rng(turn)
    image = shrunk(image)
    if turn:
        share = 0.06 * rng.random(4)
        width, height = image.size
        image = image.crop(
            (int(share[0] * width), int(share[1] * height), int((1 - share[2]) * width), int((1 - share[3]) * height))
        )
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.75, 1.15))
        image = ImageEnhance.Color(image).enhance(rng.uniform(0.5, 1.3))
        image = ImageOps.mirror(image) if turn % 2 else image
    return to_array(image)


def cut(photo: Photo) -> Row:
    """Background removal: mask, and the cut-out on green."""
    found = cut_out(photo)
    if not found.mask.any():
        return [from_array(photo)], "nothing found"
    alpha = refine(photo, found.mask)
    colours = own_colours(photo, alpha)
    green = colours * alpha[..., None] + np.array((90, 160, 90)) * (1 - alpha[..., None])
    note = f"confidence {found.confidence:.2f}{', doubtful' * (found.confidence < DOUBTFUL)}"
    return [from_array(photo), grey(alpha), from_array(green.astype(np.uint8))], note


def isolated(photo: Photo) -> Row:
    """Product isolation, square."""
    found = cut_out(photo)
    if not found.mask.any():
        return [from_array(photo)], "nothing found"
    alpha = refine(photo, found.mask)
    options = IsolateOptions(stands=stands(photo, alpha))
    result, _ = isolate(own_colours(photo, alpha), alpha, frame_of((1, 1), 512), options)
    return [from_array(photo), grey(alpha), from_array(result)], "stands" if options.stands else "lies flat"


def without_tags(photo: Photo) -> Row:
    """Tag removal: what was found, and the result."""
    _, mask = find_tags(photo)
    result, tags = remove_tags(photo)
    return [from_array(photo), grey(mask), from_array(result)], f"{len(tags)} tags"


def without_object(photo: Photo) -> Row:
    """Object removal in a made hole, shown red."""
    height, width = photo.shape[:2]
    rng = np.random.default_rng(height * width)
    mask = Image.new("L", (width, height))
    x, y = rng.uniform(0.25, 0.6) * width, rng.uniform(0.25, 0.6) * height
    ImageDraw.Draw(mask).ellipse((x, y, x + 0.18 * width, y + 0.22 * height), fill=255)
    hole = np.asarray(mask) > 0
    shown = photo.copy()
    shown[hole] = (230, 40, 40)
    return [from_array(photo), from_array(shown), from_array(inpaint(photo, hole))], f"{hole.mean():.1%} filled"


def grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray((np.asarray(values, np.float32) * 255).astype(np.uint8))


MODELS: dict[str, Callable[[Photo], Row]] = {
    "background-removal": cut,
    "product-isolation": isolated,
    "tag-removal": without_tags,
    "object-removal": without_object,
}


def sheet(rows: list[tuple[str, Row]], columns: int = 3) -> Image.Image:
    """All rows on one page, `columns` of them beside each other."""
    high = CELL + 16
    lines = -(-len(rows) // columns)
    page = Image.new("RGB", (columns * (3 * CELL + 12), lines * high), "white")
    draw = ImageDraw.Draw(page)
    for number, (name, (images, note)) in enumerate(rows):
        left, top = (number % columns) * (3 * CELL + 12), (number // columns) * high
        for place, image in enumerate(images):
            small = image.convert("RGB")
            small.thumbnail((CELL - 4, CELL - 4))
            page.paste(small, (left + place * CELL, top + 14))
        draw.text((left + 2, top + 1), f"{name}: {note}", fill="black")
    return page


def main() -> None:
    """Write one page for each model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("-o", "--output", type=Path, default=Path("gallery"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.models:
        rows = [(title, MODELS[name](photo)) for title, photo in pictures(options.pictures, options.count)]
        path = options.output / f"{name}.png"
        sheet(rows).save(path)
        print(f"{name}: {len(rows)} pictures -> {path}", flush=True)


if __name__ == "__main__":
    main()
