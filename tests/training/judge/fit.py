"""Fit the judge's weights on drawn scenes: `python tests/training/judge/fit.py PHOTOS... -o FILE [-n 500]`.

PHOTOS are folders of pictures without truth; crops of them are the ground behind drawn products and blobs and the
material on them, so the truth of every scene is known. About 1 s for each scene. The shipped table does not come
from this script as it stands (see `judge_weights`): compare on held-out photos before replacing it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from studio_scenes import scene

from runflow_widgets.engine.models.candidates import guesses, look
from runflow_widgets.engine.models.cutout import shrink, tidy, to_lab
from runflow_widgets.engine.models.judge import cues

RIDGE = 2000.0


class Crops:
    """Random parts of the photos, as ground or as material."""

    def __init__(self, folders, random):
        self.paths = [path for folder in folders for path in sorted(folder.glob("*.jpg"))]
        self.random = random

    def take(self, low, high, size):
        random = self.random
        photo = cv2.imread(str(self.paths[random.integers(len(self.paths))]))[..., ::-1].astype(np.float32)
        share = random.uniform(low, high)
        top, left = (int(random.uniform(0, side * (1 - share))) for side in photo.shape[:2])
        part = photo[
            top : top + max(20, int(photo.shape[0] * share)), left : left + max(20, int(photo.shape[1] * share))
        ]
        return cv2.resize(part, size)


def blob(random, height, width):
    """A rounded shape, perhaps with limbs."""
    t = np.linspace(0, 2 * np.pi, 240)
    angles, reach = np.sort(random.uniform(0, 2 * np.pi, 6)), random.uniform(0.45, 1, 6)
    ring = np.interp(t, np.r_[angles - 2 * np.pi, angles, angles + 2 * np.pi], np.tile(reach, 3))
    smooth = int(random.integers(9, 40))
    ring = np.convolve(np.r_[ring[-smooth:], ring, ring[:smooth]], np.ones(smooth) / smooth, "same")[smooth:-smooth]
    size, middle = random.uniform(0.17, 0.42, 2) * [width, height], random.uniform(0.36, 0.64, 2) * [width, height]
    points = middle + np.stack([np.cos(t), np.sin(t)], 1) * ring[:, None] * size
    fine = np.zeros((height * 3, width * 3), np.uint8)
    cv2.fillPoly(fine, [(points * 3).astype(np.int32)], 255)
    for _ in range(random.integers(0, 5)):
        at = points[random.integers(len(points))]
        ends = [3 * (middle + (at - middle) * far) for far in (0.7, random.uniform(1.2, 1.8))]
        thick = int(random.uniform(0.02, 0.09) * width * 3)
        cv2.line(fine, *(tuple(int(v) for v in end) for end in ends), 255, thick)
    return cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def blob_scene(random, crops):
    """A blob of one to three materials before a photo."""
    height, width = [(320, 240), (240, 320), (224, 320)][random.integers(3)]
    back, alpha = crops.take(0.3, 1, (width, height)), blob(random, height, width)
    if random.random() < 0.5:
        back = cv2.GaussianBlur(back, (0, 0), random.uniform(0.5, 8))
    material = crops.take(0.1, 0.5, (width, height))
    y, x = np.mgrid[0:height, 0:width]
    for _ in range(random.integers(0, 3)):
        turn, middle = random.uniform(0, 2 * np.pi), random.uniform(0.35, 0.65, 2)
        side = np.cos(turn) * (x - middle[0] * width) + np.sin(turn) * (y - middle[1] * height) > 0
        material = np.where(side[..., None], crops.take(0.1, 0.5, (width, height)), material)
    if random.random() < 0.5:
        material = material * random.uniform(0.4, 1, 3) + random.uniform(0, 90, 3)
    photo = material * alpha[..., None] + back * (1 - alpha[..., None])
    photo = np.clip(photo + random.normal(0, random.uniform(0.5, 4), photo.shape), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 95))])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]), alpha


def product_scene(number, random, crops):
    """A drawn product before a studio wall or a photo."""
    behind = crops.take(0.3, 1, (360, 360)) if number % 4 else None
    cloth = crops.take(0.1, 0.6, (360, 360)) if random.random() < 0.6 else None
    drawn = scene(20_000 + number, longest_px=360, behind=behind, cloth=cloth)
    return drawn.photo, drawn.alpha


def examples(count, crops, random):
    """Cues and true IoU of every candidate for every scene."""
    for number in range(count):
        photo, alpha = blob_scene(random, crops) if number % 2 else product_scene(number // 2, random, crops)
        calm = cv2.bilateralFilter(shrink(photo, 320), 5, 20, 3)
        clues = look(calm, to_lab(calm))
        truth = cv2.resize(alpha, calm.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.5
        masks = {name: tidy(mask) for name, mask in guesses(clues).items()}
        masks = {name: mask for name, mask in masks.items() if 0.002 < mask.mean() < 0.98}
        if masks:
            yield cues(masks, clues), [(m & truth).sum() / max(1, (m | truth).sum()) for m in masks.values()]


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("-n", "--count", type=int, default=500)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    random = np.random.default_rng(9)
    found = list(examples(asked.count, Crops(asked.photos, random), random))
    table, worth = np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])
    centres, scales = table.mean(axis=0), table.std(axis=0) + 1e-6
    inputs = np.c_[np.ones(len(table)), np.clip((table - centres) / scales, -3, 3)]
    ridge = RIDGE * np.diag([0.0] + [1.0] * len(centres))
    weights = np.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ worth)
    text = '"""What each cue of `judge` is worth; fitted by `tests/training/judge/fit.py`, in their order."""\n\n'
    text += "from typing import Final\n"
    for name, values in (("CENTRES", centres), ("SCALES", scales), ("WEIGHTS", weights)):
        text += f"\n{name}: Final = (\n" + "".join(f"    {value:.4g},\n" for value in values) + ")\n"
    asked.output.write_text(text)


if __name__ == "__main__":
    main()
