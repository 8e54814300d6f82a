"""What training pictures are put together from: cut-outs with their alpha, and grounds to set them before.

Example:
    python tests/training/cutout/material.py material.pkl --photos STAMPS LABELLED --drawings CLIPART --grounds TEXTURES

Cut-outs are PNGs with an alpha channel; folders are searched to the bottom. 12 % of all files, chosen by a hash of
their names, are kept for judging: no training picture holds anything of them.
"""

import argparse
import pickle
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

HELD_OUT = 0.12
CUTOUT_PX = 256
GROUND_PX = 900


@dataclass(frozen=True, slots=True)
class Material:
    """RGBA cut-outs (photographed, drawn), photos with a map of their subject, and RGB grounds; all uint8.

    `grounds` hold pictures in which nothing stands out or which are cropped until nothing does, `textures` surfaces.
    """

    photographed: list
    drawn: list
    labelled: list
    grounds: list
    textures: list


def is_held_out(path):
    """Whether a file is kept for judging: by its name alone, so that no run can mix them up."""
    return int(sha256(path.name.encode()).hexdigest()[:8], 16) / 2**32 < HELD_OUT


def main():
    """Read everything once and write both halves to one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", help="cut-out photographs")
    parser.add_argument("--drawings", type=Path, nargs="+", help="cut-out drawings")
    parser.add_argument("--labelled", type=Path, help="what label.py wrote: whole photos, alpha beside them")
    parser.add_argument("--grounds", type=Path, nargs="+", help="landscapes, walls")
    parser.add_argument("--textures", type=Path, nargs="+", help="surfaces seen straight on")
    arguments = parser.parse_args()
    halves = {name: gather(arguments, held_out=name == "judging") for name in ("training", "judging")}
    for name, half in halves.items():
        print(name, ", ".join(f"{len(pictures)} {kind}" for kind, pictures in half.items()))
    arguments.output.write_bytes(pickle.dumps(halves))


def read(path, half):
    """The half of the material that is for `training`, or for `judging`."""
    return Material(**pickle.loads(path.read_bytes())[half])


def gather(arguments, *, held_out):
    """One half of the material."""
    photographed, drawn = [], []
    for path in _files(arguments.photos, held_out, "png"):
        cutout = read_cutout(path)
        if cutout is not None:
            (drawn if is_flat(cutout) else photographed).append(cutout)
    drawn += [
        cutout for path in _files(arguments.drawings, held_out, "png") if (cutout := read_cutout(path)) is not None
    ]
    labelled = [_read(path, cv2.IMREAD_UNCHANGED) for path in _files([arguments.labelled], held_out, "png")]
    clear = [whole for whole in labelled if is_clear(whole[..., 3])]
    photographed += [
        cropped for whole in clear if is_inside(whole[..., 3]) if (cropped := _trimmed(firm(whole))) is not None
    ]
    grounds = [_small(ground, GROUND_PX) for ground in _grounds(arguments.grounds, held_out)]
    grounds += [np.ascontiguousarray(whole[..., :3]) for whole in labelled if (whole[..., 3] > 100).mean() < 0.005]
    textures = [_small(ground, GROUND_PX // 2) for ground in _grounds(arguments.textures, held_out)]
    textures += [strip for whole in clear for strip in surroundings(whole)]
    kinds = (photographed, drawn, labelled, grounds, textures)
    return dict(zip(Material.__slots__, kinds, strict=True))


def read_cutout(path):
    """A cut-out trimmed to its subject; None if it is a rectangle, mere lines, crumbs, or has no alpha at all."""
    picture = _read(path, cv2.IMREAD_UNCHANGED)
    return None if picture is None or picture.ndim != 3 or picture.shape[2] != 4 else _trimmed(picture)


def is_flat(cutout):
    """Whether it is drawn: large parts of it have one colour."""
    grey = cv2.cvtColor(cutout[..., :3], cv2.COLOR_RGB2GRAY)
    square = np.ones((3, 3), np.uint8)
    even = cv2.dilate(grey, square).astype(int) - cv2.erode(grey, square) < 2
    inside = cv2.erode((cutout[..., 3] > 250).astype(np.uint8), square) > 0
    return even[inside].mean() > 0.25 if inside.any() else True


def is_clear(likely):
    """Whether a map shows a subject and little that it is unsure of."""
    share, unsure = (likely > 127).mean(), ((likely > 50) & (likely < 205)).mean()
    return 0.02 < share < 0.9 and unsure < 0.3 * share


def is_inside(likely):
    """Whether the frame cuts off next to nothing of the subject."""
    rim = np.concatenate([likely[0], likely[-1], likely[:, 0], likely[:, -1]])
    return (rim > 127).mean() < 0.02


def firm(whole):
    """The map as an alpha: harder, for what is pasted elsewhere should not bring its old ground along."""
    alpha = np.clip((whole[..., 3].astype(np.float32) - 90) / 110, 0, 1) * 255
    return np.dstack([whole[..., :3], alpha.astype(np.uint8)])


def surroundings(whole):
    """The strips of a labelled photo beside its subject, where they are wide enough to be a ground."""
    height, width = whole.shape[:2]
    y, x = np.nonzero(whole[..., 3] > 8)
    if not len(y):
        return
    top, bottom, left, right = y.min() - 4, y.max() + 5, x.min() - 4, x.max() + 5
    for strip in (whole[:top], whole[bottom:], whole[:, :left], whole[:, right:]):
        if min(strip.shape[:2]) >= 0.16 * max(height, width):
            yield np.ascontiguousarray(strip[..., :3])


def _trimmed(picture):
    solid = picture[..., 3] > 127
    y, x = np.nonzero(solid)
    if len(y) < 400:
        return None
    part = np.ascontiguousarray(picture[max(0, y.min() - 2) : y.max() + 3, max(0, x.min() - 2) : x.max() + 3])
    part = _small(part, CUTOUT_PX)
    solid = (part[..., 3] > 127).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
    thick = cv2.erode(solid, np.ones((5, 5), np.uint8), borderValue=0).sum() / max(1, solid.sum())
    whole = stats[1:, cv2.CC_STAT_AREA].max() / solid.sum() > 0.6
    return part if whole and thick > 0.45 and 0.12 < solid.mean() < 0.96 and max(part.shape[:2]) >= 48 else None


def _files(folders, held_out, *suffixes):
    found = (path for folder in folders or [] if folder for suffix in suffixes for path in folder.rglob(f"*.{suffix}"))
    return [path for path in sorted(found, key=lambda path: (path.name, path)) if is_held_out(path) == held_out]


def _grounds(folders, held_out):
    for path in _files(folders, held_out, "jpg", "png", "webp"):
        picture = _read(path, cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < 250:
            continue
        if max(picture.shape) < 3 * min(picture.shape[:2]) and 12 < picture.mean() < 244 and picture.std() > 3:
            yield picture


def _read(path, flags):
    picture = cv2.imread(str(path), flags)
    if picture is None or picture.ndim != 3 or picture.dtype != np.uint8:
        return None
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _small(picture, longest_px):
    scale = min(1.0, longest_px / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    if picture.shape[2] == 3:
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    # Colours of clear pixels must not bleed into the edge.
    share = picture[..., 3:].astype(np.float32) / 255
    colour = cv2.resize(picture[..., :3] * share, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(share, size, interpolation=cv2.INTER_AREA)[..., None]
    return np.dstack([np.clip(colour / np.maximum(alpha, 1e-3), 0, 255), alpha * 255]).round().astype(np.uint8)


if __name__ == "__main__":
    main()
