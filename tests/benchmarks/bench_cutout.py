"""How well subjects are cut out, beside GrabCut alone, our parts alone, and another checkout if one is named.

    python tests/benchmarks/bench_cutout.py [FOLDER] [--every N] [--against CHECKOUT] [--sheet FILE]

FOLDER holds photos with masks beside them (`name.jpg`, `name.png`, white is the subject). Without it, studio scenes
with known truth are drawn. All rows of a table come from one run over the same pictures, on one thread.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

# As in a worker, and before NumPy is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from figures import Figures
from studio_scenes import Scene, scene

from runflow_widgets.engine import models
from runflow_widgets.engine.models.cutout import DOUBTFUL

Method = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None, float]]
#: A cut-out that one would do again by hand.
BAD = 0.75
COLUMNS = ("IoU", "> 0.85", "matte", "band", "colour", "s/MP")


def folder_scenes(folder: Path, every: int) -> Iterator[Scene]:
    """Photos whose subject's own colours are not known."""
    for path in sorted(folder.glob("*.jpg"))[::every]:
        photo = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        truth = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
        yield Scene(photo, truth.astype(np.float32) / 255, photo, "photo")


def plain_grab_cut(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
    """What OpenCV's own example does: a rectangle a little inside the frame, five rounds, full size."""
    height, width = photo.shape[:2]
    marks = np.zeros((height, width), np.uint8)
    inside = (width // 20, height // 20, width - width // 10, height - height // 10)
    cv2.setRNGSeed(0)
    cv2.grabCut(photo, marks, inside, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    return (marks % 2).astype(np.float32), None, 0.0


def part(package: ModuleType, name: str) -> Method:
    """One clue of the pipeline, cut at Otsu's threshold."""
    cutout, backdrop, saliency = (importlib.import_module(f"{package.__name__}.{m}") for m in PARTS)

    def run(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
        lab = cutout.to_lab(cutout.shrink(photo, 320))
        found = backdrop.fit_backdrop(lab).evidence if name == "backdrop" else saliency.saliency(lab)
        limit, _ = cv2.threshold((found * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
        return cv2.resize((found * 255 > limit).astype(np.float32), photo.shape[1::-1]), None, 0.0

    return run


PARTS = ("cutout", "backdrop", "saliency")


def whole(package: ModuleType) -> Method:
    """Cut-out, edge and own colours, as a task runs them."""
    cutout, matting = (importlib.import_module(f"{package.__name__}.{name}") for name in ("cutout", "matting"))

    def run(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
        found = cutout.cut_out(photo)
        alpha = matting.refine(photo, found.mask)
        return alpha, matting.own_colours(photo, alpha), found.confidence

    return run


def checkout(path: Path) -> ModuleType:
    """The models of another checkout, under a name of their own."""
    folder = path / "runflow_widgets" / "engine" / "models"
    spec = importlib.util.spec_from_file_location(
        "earlier", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["earlier"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(alpha: np.ndarray, colours: np.ndarray | None, truth: Scene) -> list[float]:
    """IoU, matte error (whole, and in a band around the true edge), colour error where the edge is soft."""
    mask, real = alpha > 0.5, truth.alpha > 0.5
    iou = (mask & real).sum() / max(1, (mask | real).sum())
    reach = 2 * max(2, round(0.009 * max(real.shape))) + 1
    plain = real.astype(np.uint8)
    square = np.ones((reach, reach), np.uint8)
    band = cv2.dilate(plain, square) != cv2.erode(plain, square)
    error = np.abs(alpha - truth.alpha)
    soft = (truth.alpha > 0.1) & (truth.alpha < 0.9) & (alpha > 0.1)
    known = colours is not None and truth.kind != "photo" and soft.any()
    colour = np.abs(colours[soft].astype(float) - truth.colours[soft]).mean() if known else np.nan
    return [iou, iou > 0.85, error.mean(), error[band].mean(), colour]


def rank_correlation(one: list[float], other: list[float]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def doubt(sure: list[float], worth: list[float]) -> str:
    """Whether what is called doubtful is bad, and what is bad called doubtful."""
    doubted, bad = np.asarray(sure) < DOUBTFUL, np.asarray(worth) < BAD
    return f"{doubted.sum()} doubtful, {bad.sum()} with an IoU below {BAD}, {(doubted & bad).sum()} both"


def sheet(rows: list[tuple[float, np.ndarray, np.ndarray, np.ndarray]], path: Path) -> None:
    """Photo, alpha and the cut-out on green for 24 pictures, the worst first."""
    tiles = []
    for iou, photo, alpha, colours in sorted(rows, key=lambda row: row[0])[:: max(1, len(rows) // 24)][:24]:
        green = colours * alpha[..., None] + np.array([40, 200, 60]) * (1 - alpha[..., None])
        strip = np.hstack([photo, np.repeat(alpha[..., None] * 255, 3, 2), green]).astype(np.uint8)
        scale = min(150 / strip.shape[0], 480 / strip.shape[1])
        strip = cv2.resize(strip, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((150, 480, 3), 90, np.uint8)
        tile[: strip.shape[0], : strip.shape[1]] = strip
        cv2.putText(tile, f"{iou:.2f}", (4, 145), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1)
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 90)] * (-len(tiles) % 3)
    rows_ = [np.hstack(tiles[at : at + 3]) for at in range(0, len(tiles), 3)]
    cv2.imwrite(str(path), np.vstack(rows_)[..., ::-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every Nth photo of the folder")
    parser.add_argument("--scenes", type=int, default=28, help="how many scenes are drawn without a folder")
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of 24 here")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    methods = {
        "cv2.grabCut, inset rectangle": plain_grab_cut,
        "our backdrop fit alone": part(models, "backdrop"),
        "our saliency alone": part(models, "saliency"),
    }
    if asked.against:
        methods["the other checkout"] = whole(checkout(asked.against))
    methods["ours"] = whole(models)
    drawn = (scene(seed) for seed in range(asked.scenes))
    scenes = folder_scenes(asked.folder, asked.every) if asked.folder else drawn
    found: dict[str, list[list[float]]] = {name: [] for name in methods}
    sure: dict[str, list[float]] = {name: [] for name in methods}
    shown = []
    for truth in scenes:
        for name, method in methods.items():
            began = time.perf_counter()
            alpha, colours, confidence = method(truth.photo)
            spent = (time.perf_counter() - began) / alpha.size * 1e6
            found[name].append([*measure(alpha, colours, truth), spent])
            sure[name].append(confidence)
        shown.append((found["ours"][-1][0], truth.photo, alpha, colours))
    size_mp = np.mean([s[1][..., 0].size for s in shown]) / 1e6
    table = Figures("cutout", f"Cutting out: {len(shown)} pictures of {size_mp:.2f} MP on average, one core")
    for name, rows in found.items():
        figures = [round(float(figure), 3) for figure in np.mean(rows, axis=0)]
        told = round(rank_correlation(sure[name], [row[0] for row in rows]), 2) if any(sure[name]) else None
        table.add(name, **dict(zip(COLUMNS, figures, strict=True)), rank_corr_of_confidence=told)
    table.tell()
    print(f"  ours: {doubt(sure['ours'], [row[0] for row in found['ours']])}")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if asked.sheet:
        sheet(shown, asked.sheet)


if __name__ == "__main__":
    main()
