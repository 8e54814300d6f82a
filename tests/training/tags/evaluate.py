"""Measure tag finders side by side: our rules, our network, and, if its folder is given, the prototype's network.

Example:
    python tests/training/tags/evaluate.py PHOTOS --prototype PROTOTYPES --count 150

Only photos that training never saw are used. Tags are drawn by our generator with another seed and, if the
prototype's folder is given, by the prototype's generator too, whose style our network has never seen (the
prototype's network was trained on it). What `spots.csv` calls a real tag counts neither as found nor as false.
End to end, removal is judged as `bench_inpaint.py` judges filled holes, beside others' fills of the same masks, and
beside fills that are told where the tags are.
`--sheet` writes contact sheets: before, mask, after.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from decoys import decoys
from draw import draw_layer, photographed, tagged
from pictures import read_photos

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from bench_inpaint import COLUMNS, METHODS, judge

from runflow_widgets.engine.models.tags import TagOptions, enlarged, find_shapes, find_tags, remove_tags

SEED = 20260


def main():
    """Read the arguments, measure, print one line for each finder and set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--prototype", type=Path)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    photos = read_photos(arguments.photos, held_out=True)[: arguments.count]
    sets = {
        "ours": our_style(photos),
        "none": [(ground, ground.photo, []) for ground in photos],
        "decoys": with_decoys(photos),
    }
    ours = TagOptions(network=arguments.network)
    finders = {
        "rules": lambda photo: shapes(photo, TagOptions(network=None)),
        "network": lambda photo: shapes(photo, ours),
        "its mask": lambda photo: find_tags(photo, ours)[1],
    }
    if arguments.prototype:
        sys.path.append(str(arguments.prototype))
        sets["other"] = other_style(photos)
        finders["prototype"] = prototype(arguments.prototype)
    print(f"{len(photos)} photos")
    print(f"{'set':8}{'finder':11}{'recall':>8}{'covered':>9}{'false/picture':>15}{'false area %':>14}{'s':>7}")
    for style, pictures in sets.items():
        for name, finder in finders.items():
            print(f"{style:8}{name:11}{measure(finder, pictures)}", flush=True)
    print(f"{'end to end, inside the tags':42}" + "".join(f"{column:>11}" for column in COLUMNS[:4]))
    for name, figures in end_to_end(photos, ours).items():
        print(f"{name:42}" + "".join(f"{figure:11.3f}" for figure in figures), flush=True)
    if arguments.sheet:
        write_sheet(arguments.sheet / "tagged.png", [picture for _, picture, _ in sets["ours"][:24]], ours)
        write_sheet(arguments.sheet / "other.png", [picture for _, picture, _ in sets.get("other", [])[:24]], ours)
        write_sheet(arguments.sheet / "untagged.png", [ground.photo for ground in photos[24:36]], ours)


def our_style(photos):
    """Held-out photos with one to three tags of our own generator, and the masks of these."""
    pictures = []
    for index, ground in enumerate(photos):
        canvas, masks, rng = with_tags(ground.photo, index)
        pictures.append((ground, photographed(canvas, rng), masks))
    return pictures


def with_tags(photo, index):
    """A float photo with its tags, as no camera has developed it yet, their masks, and what chance goes on with."""
    rng = np.random.default_rng([SEED, index])
    sizes = np.exp(rng.uniform(np.log(0.05), np.log(0.28), rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])))
    canvas, _, _, pieces = tagged(photo, [draw_layer(rng, float(size * max(photo.shape[:2]))) for size in sizes], rng)
    return canvas, [whole for _, whole, _ in pieces], rng


def other_style(photos):
    """The same with the tags of the prototype's generator."""
    import tagsynth

    pictures = []
    for index, ground in enumerate(photos):
        rng = np.random.default_rng([SEED + 1, index])
        count = 1 + int(rng.random() < 0.35) + int(rng.random() < 0.1)
        picture, _, pieces, _ = tagsynth.sample(np.ascontiguousarray(ground.photo[..., ::-1]), rng, n=count)
        pictures.append((ground, np.ascontiguousarray(picture[..., ::-1]), [piece > 0 for piece in pieces]))
    return pictures


def with_decoys(photos):
    """Photos with prints, pockets, buttons and patches drawn on, and no tag."""
    return [
        (ground, decoys(ground.photo, np.random.default_rng([SEED + 2, index])), [])
        for index, ground in enumerate(photos)
    ]


def shapes(photo, options):
    """The shapes of all finds, strings included, without the margin that is painted over with them."""
    mask = np.zeros(photo.shape[:2], bool)
    for find in find_shapes(photo, options):
        top, left, bottom, right = find.window
        mask[top:bottom, left:right] |= enlarged(find.shape | find.string, (bottom - top, right - left))
    return mask


def prototype(folder):
    """The prototype's network with its refinement."""
    import tagrefine

    net = cv2.dnn.readNetFromONNX(str(folder / "tagnet.onnx"))

    def find(photo):
        picture = np.ascontiguousarray(photo[..., ::-1])
        scale = 384 / max(picture.shape[:2])
        size = [max(32, round(edge * scale / 32) * 32) for edge in picture.shape[1::-1]]
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        net.setInput(np.ascontiguousarray(small.transpose(2, 0, 1)[None]))
        likely = cv2.resize(net.forward()[0, 0], picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return tagrefine.refine(picture, likely, min_area=0.001) > 0

    return find


def measure(finder, pictures):
    """Recall at half overlap, share of tag area covered, false finds and false area for each picture, seconds."""
    hits, covered, tag_area, false_finds, false_area, seconds = [], 0, 0, 0, 0.0, 0.0
    for ground, picture, tags in pictures:
        started = time.perf_counter()
        mask = finder(picture)
        seconds += time.perf_counter() - started
        truth = np.any(tags, axis=0) if tags else np.zeros(mask.shape, bool)
        mask &= truth | ~ground.unsure
        count, labels = cv2.connectedComponents(mask.astype(np.uint8))
        for piece in range(1, count):
            here = labels == piece
            false_finds += here.sum() >= 0.0005 * mask.size and (here & truth).sum() < 0.2 * here.sum()
        false_area += (mask & ~truth).mean()
        for tag in tags:
            touching = np.isin(labels, np.setdiff1d(labels[tag], [0])) & ~(truth & ~tag)
            hits.append((touching & tag).sum() >= 0.5 * (touching | tag).sum())
            covered += (mask & tag).sum()
            tag_area += tag.sum()
    count = len(pictures)
    recall, share = (f"{np.mean(hits):8.3f}", f"{covered / tag_area:9.3f}") if hits else ("       -", "        -")
    return f"{recall}{share}{false_finds / count:15.3f}{100 * false_area / count:14.3f}{seconds / count:7.2f}"


def end_to_end(photos, options):
    """How near removal comes to the photo under the tags; beside it, other fills of the same holes and of the true."""
    scores = {}
    for index, ground in enumerate(photos):
        # Not as a camera would develop it: what lies beside the tags is the true photo, byte for byte.
        canvas, masks, _ = with_tags(ground.photo, index)
        if not masks:
            continue
        picture, tags = np.clip(canvas, 0, 255).astype(np.uint8), np.any(masks, axis=0)
        _, mask = find_tags(picture, options)
        cleaned, _ = remove_tags(picture, options)
        if (cleaned[~mask] != picture[~mask]).any():
            raise SystemExit(f"Photo {index} was changed outside the mask.")
        known = cv2.dilate(tags.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        found = tags & mask
        made = {"removed": (cleaned, tags), "removed, inside what was found": (cleaned, found if found.any() else tags)}
        for name, fill in METHODS.items():
            if name != "ours":
                made[f"found by us, filled by {name}"] = (fill(picture, mask) if mask.any() else picture, tags)
            made[f"{name}, true masks"] = (fill(picture, known), tags)
        for name, (filled, where) in (made | {"left as they are": (picture, tags)}).items():
            scores.setdefault(name, []).append(judge(np.ascontiguousarray(filled), ground.photo, where))
    return {name: np.mean(rows, axis=0) for name, rows in scores.items()}


def write_sheet(path, pictures, options):
    """Before, mask, after, in rows of two."""
    if not pictures:
        return
    tiles = []
    for picture in pictures:
        _, mask = find_tags(picture, options)
        marked = picture.copy()
        marked[mask] = (0.4 * marked[mask] + [150, 0, 0]).astype(np.uint8)
        tiles.append(np.hstack([_tile(plane) for plane in (picture, marked, remove_tags(picture, options)[0])]))
    rows = [np.hstack(tiles[index : index + 2]) for index in range(0, len(tiles) - 1, 2)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def _tile(picture, side=260):
    scale = side / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.full((side, side, 3), 255, np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile


if __name__ == "__main__":
    main()
