"""How well holes are filled, against the truth, side by side with OpenCV's own two methods and with PyPatchMatch.

Holes are made in whole pictures, so the truth is known: tags on clothes, strokes, objects and deep discs of 10, 20 and
30 % in scenes. PSNR and SSIM reward blur, so they are read together with `texture` (distance of local texture
statistics from the truth's, 0 is right) and `sharpness` (log ratio of fine detail to the truth's; 0 is right, below is
blurred). `implausible` is the share of filled pixels that are darker or brighter than all that is around; 0 is right.

    python tests/benchmarks/bench_inpaint.py --tags FOLDER --scenes FOLDER [--count 12]

Without folders the bundled samples serve.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# As in a worker, and before NumPy is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2
import numpy as np
import others  # noqa: F401 - so that what `make bench` installed is found
from figures import Figures

sys.path.insert(0, str(Path(__file__).parents[1]))
from plausible import out_of_range

from runflow_widgets import samples
from runflow_widgets.engine.models.inpaint import inpaint
from runflow_widgets.images import to_array

try:
    from patchmatch import patch_match as pypatchmatch  # the same method, in C++
except ImportError:
    pypatchmatch = None

COLUMNS = ("PSNR", "SSIM", "texture", "sharpness", "implausible", "s/MP")
GABOR = [
    cv2.getGaborKernel((4 * scale + 1,) * 2, 0.8 * scale, angle * np.pi / 4, 2.5 * scale, 1.0, np.pi / 2)
    for scale in (1, 2, 4)
    for angle in range(4)
]


def tag_hole(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A tag's outline, sometimes with its string."""
    size = max(height, width)
    hole = np.zeros((height, width), np.uint8)
    centre = (width * rng.uniform(0.35, 0.65), height * rng.uniform(0.35, 0.65))
    box = cv2.boxPoints((centre, (size * rng.uniform(0.08, 0.2), size * rng.uniform(0.06, 0.14)), rng.uniform(-35, 35)))
    cv2.fillPoly(hole, [box.astype(np.int32)], 255)
    if rng.random() < 0.5:
        end = (int(centre[0] + rng.uniform(-0.1, 0.1) * size), int(centre[1] - rng.uniform(0.12, 0.22) * size))
        cv2.line(hole, (int(centre[0]), int(centre[1])), end, 255, max(2, int(0.008 * size)))
    return hole > 0


def stroke_hole(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """What a brush would paint."""
    size = max(height, width)
    hole = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(3, 7)):
        point, angle = rng.uniform(0.1, 0.9, 2) * (width, height), rng.uniform(0, 2 * np.pi)
        for _ in range(rng.integers(2, 6)):
            angle += rng.normal(0, 0.8)
            end = point + np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.04, 0.12) * size
            thickness = max(2, int(rng.uniform(0.01, 0.035) * size))
            cv2.line(hole, tuple(map(int, point)), tuple(map(int, end)), 255, thickness)
            point = end
    return hole > 0


def object_hole(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A lumpy thing of 3 to 10 % of the picture."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = 1 + sum(rng.normal(0, 0.25 / wave) * np.cos(wave * angles + rng.uniform(0, 6)) for wave in (1, 2, 3, 5))
    scale = np.sqrt(rng.uniform(0.03, 0.10) * height * width / np.pi)
    centre = rng.uniform(0.25, 0.75, 2) * (width, height)
    outline = centre + scale * radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    hole = np.zeros((height, width), np.uint8)
    cv2.fillPoly(hole, [outline.astype(np.int32)], 255)
    return hole > 0


def deep_hole(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A disc of 10, 20 or 30 % of the picture, somewhere in its middle."""
    radius = np.sqrt(rng.choice([0.1, 0.2, 0.3]) * height * width / np.pi)
    centre = [int(np.clip(rng.uniform(0.35, 0.65) * side, radius + 9, side - radius - 9)) for side in (width, height)]
    return cv2.circle(np.zeros((height, width), np.uint8), centre, int(radius), 255, -1) > 0


def texture(photo: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The energy of a bank of Gabor filters inside a region, as logarithms; the finest four come first."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    energy = [np.sqrt(np.square(cv2.filter2D(grey, -1, k / np.abs(k).sum())[where]).mean()) + 0.35 for k in GABOR]
    return np.log2(energy)


def judge(filled: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> list[float]:
    """PSNR, SSIM, texture error, sharpness and what cannot be, inside the hole."""
    error = np.square(filled[hole].astype(np.float32) - truth[hole]).mean()
    inner = cv2.erode(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    inner = inner if inner.sum() >= 50 else hole
    made, real = texture(filled, inner), texture(truth, inner)
    psnr = 10 * np.log10(65025 / max(error, 0.1))
    odd = out_of_range(filled, hole)
    return [psnr, similarity(filled, truth)[hole].mean(), np.abs(made - real).mean(), (made[:4] - real[:4]).mean(), odd]


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The map of structural similarity (Wang et al., TIP 2004)."""
    x, y = (cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32) for photo in (one, other))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return ((2 * mx * my + 6.5) * (2 * both + 58.5)) / ((mx**2 + my**2 + 6.5) * (vx + vy + 58.5))


def opencv(method: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda photo, hole: cv2.inpaint(photo, hole.astype(np.uint8) * 255, 5, method)


METHODS = {"Telea": opencv(cv2.INPAINT_TELEA), "Navier-Stokes": opencv(cv2.INPAINT_NS), "ours": inpaint}
if pypatchmatch is not None:
    METHODS["PyPatchMatch"] = lambda photo, hole: pypatchmatch.inpaint(
        photo, hole[..., None].astype(np.uint8), patch_size=7
    )


def pictures(folder: Path | None, count: int, longest: int) -> Iterator[np.ndarray]:
    """Some pictures of a folder, spread over it; the bundled ones without a folder."""
    if folder is None:
        yield from (to_array(samples.load(name).convert("RGB")) for name in ("picnic", "plant"))
        return
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))
    for path in found[:: max(1, len(found) // count)][:count]:
        photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        scale = longest / max(photo.shape)
        yield cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else photo


def main() -> None:
    """Print a table for each kind of hole."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=Path)
    parser.add_argument("--scenes", type=Path)
    parser.add_argument("--count", type=int, default=12)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    kinds = {
        "tag": (options.tags, tag_hole),
        "stroke": (options.scenes, stroke_hole),
        "object": (options.scenes, object_hole),
        "deep disc": (options.scenes, deep_hole),
    }
    for kind, (folder, make) in kinds.items():
        rng = np.random.default_rng(7)
        scores: dict[str, list[list[float]]] = {name: [] for name in METHODS}
        for photo in pictures(folder, options.count, 640):
            hole = make(*photo.shape[:2], rng)
            for name, fill in METHODS.items():
                began = time.perf_counter()
                filled = fill(photo, hole)
                per_mp = (time.perf_counter() - began) / (photo.shape[0] * photo.shape[1] / 1e6)
                scores[name].append([*judge(filled, photo, hole), per_mp])
        table = Figures(
            f"inpaint_{kind.replace(' ', '_')}",
            f"Filling holes made by a {kind}: {len(scores['ours'])} pictures, one core",
        )
        for name, rows in scores.items():
            figures = [round(float(figure), 3) for figure in np.mean(rows, axis=0)]
            table.add(name, **dict(zip(COLUMNS, figures, strict=True)))
        table.tell()


if __name__ == "__main__":
    main()
