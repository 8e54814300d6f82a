"""How well subjects are cut out, beside GrabCut, other networks, and another checkout if one is named.

    python tests/benchmarks/bench_cutout.py [FOLDER] [--against CHECKOUT] [--network KIND:FILE] [--sheet FILE]

FOLDER holds photos with masks beside them (`kind__name.jpg`, `kind__name.png`, white is the subject); there is a table
for each kind. Without it, studio scenes with known truth are drawn. All rows of a table come from one run over the same
pictures, on one thread.
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
from runflow_widgets.engine.models.subject_nets import subject_net

Method = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None, float]]
#: A cut-out that one would do again by hand.
BAD = 0.75
COLUMNS = ("IoU", "> 0.85", "matte", "band", "colour", "s/MP")


def folder_scenes(folder: Path, every: int) -> Iterator[Scene]:
    """Photos whose subject's own colours are not known."""
    for path in sorted(folder.glob("*.jpg"))[::every]:
        photo = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        truth = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
        kind = path.name.partition("__")[0] if "__" in path.name else "photo"
        yield Scene(photo, truth.astype(np.float32) / 255, photo, kind)


def plain_grab_cut(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
    """What OpenCV's own example does: a rectangle a little inside the frame, five rounds, full size."""
    height, width = photo.shape[:2]
    marks = np.zeros((height, width), np.uint8)
    inside = (width // 20, height // 20, width - width // 10, height - height // 10)
    cv2.setRNGSeed(0)
    cv2.grabCut(photo, marks, inside, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    return (marks % 2).astype(np.float32), None, 0.0


def whole(package: ModuleType, network: tuple[str, str] | None = None) -> Method:
    """Cut-out, edge and own colours, as a task runs them, by the bundled network or by another."""
    cutout, matting = (importlib.import_module(f"{package.__name__}.{name}") for name in ("cutout", "matting"))
    net = (subject_net(*network),) if network else ()

    def run(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
        found = cutout.cut_out(photo, *net)
        alpha = matting.refine(photo, found.mask)
        return alpha, matting.own_colours(photo, alpha), found.confidence

    return run


def checkout(path: Path) -> ModuleType:
    """The models of another checkout, whose package goes by a name of its own."""
    folder = path / "runflow_widgets"
    spec = importlib.util.spec_from_file_location(
        "earlier", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["earlier"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return importlib.import_module("earlier.engine.models")


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
    known = colours is not None and truth.colours is not truth.photo and soft.any()
    colour = np.abs(colours[soft].astype(float) - truth.colours[soft]).mean() if known else np.nan
    return [iou, iou > 0.85, error.mean(), error[band].mean(), colour]


def rank_correlation(one: list[float], other: list[float]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def doubt(sure: list[float], worth: list[float]) -> str:
    """Whether what is called doubtful is bad, and what is bad called doubtful."""
    doubted, bad = np.asarray(sure) < DOUBTFUL, np.asarray(worth) < BAD
    both, good = (doubted & bad).sum(), (doubted & ~bad).sum()
    return f"doubtful are {both} of {bad.sum()} with an IoU below {BAD}, and {good} of the {(~bad).sum()} others"


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


def tables(methods: dict[str, Method], found: dict[str, list[list[float]]], kinds: list[str]) -> None:
    """One table of all pictures, and one of the IoU by kind."""
    table = Figures("cutout", f"Cutting out: {len(kinds)} pictures, one core")
    for name in methods:
        figures = [round(float(figure), 3) for figure in np.mean(found[name], axis=0)]
        table.add(name, **dict(zip(COLUMNS, figures, strict=True)))
    table.tell()
    if "photo" in kinds or len(kinds) == len(set(kinds)):
        return
    table = Figures("cutout_kinds", "Cutting out: IoU, share above 0.85 and error of the matte, by kind")
    for kind in sorted(set(kinds)):
        here = [place for place, each in enumerate(kinds) if each == kind]
        for name in methods:
            iou, above, matte = np.mean([found[name][place][:3] for place in here], axis=0)
            table.add(f"{kind} ({len(here)}), {name}", IoU=round(iou, 3), above=round(above, 2), matte=round(matte, 3))
    table.tell()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every Nth photo of the folder")
    parser.add_argument("--scenes", type=int, default=28, help="how many scenes are drawn without a folder")
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--network", nargs="*", default=[], help="other networks, as KIND:FILE")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of 24 here")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    methods: dict[str, Method] = {"cv2.grabCut, inset rectangle": plain_grab_cut}
    if asked.against:
        methods["the other checkout"] = whole(checkout(asked.against))
    for choice in asked.network:
        kind, _, path = choice.partition(":")
        methods[Path(path).stem] = whole(models, (kind, path))
    methods["ours"] = whole(models)
    drawn = (scene(seed) for seed in range(asked.scenes))
    scenes = folder_scenes(asked.folder, asked.every) if asked.folder else drawn
    found: dict[str, list[list[float]]] = {name: [] for name in methods}
    sure, shown, kinds = [], [], []
    for truth in scenes:
        kinds.append(truth.kind)
        for name, method in methods.items():
            began = time.process_time()
            alpha, colours, confidence = method(truth.photo)
            spent = (time.process_time() - began) / alpha.size * 1e6
            found[name].append([*measure(alpha, colours, truth), spent])
        sure.append(confidence)
        shown.append((found["ours"][-1][0], truth.photo, alpha, colours))
    tables(methods, found, kinds)
    worth = [row[0] for row in found["ours"]]
    print(f"  ours: {doubt(sure, worth)}; rank correlation of confidence and IoU {rank_correlation(sure, worth):.2f}")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if asked.sheet:
        sheet(shown, asked.sheet)


if __name__ == "__main__":
    main()
