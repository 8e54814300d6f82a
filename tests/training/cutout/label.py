"""Cut the clear subjects out of unlabelled photos, as material for training.

Example:
    python tests/training/cutout/label.py PHOTOS LABELLED

For each photo whose subject the package's own cut-out is sure of, `LABELLED` gets the photo and its alpha as one PNG.
What a method without learning finds on easy photos teaches a network enough to do better on harder ones.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from runflow_widgets.engine.models.cutout import cut_out, shrink
from runflow_widgets.engine.models.matting import refine

LONGEST_PX = 360
#: Surer than what the package calls doubtful: a wrong label teaches a mistake.
SURE = 0.72


def main():
    """Write what is sure; say how much that is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--count", type=int, help="take only so many, the first by name")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.labelled.mkdir(parents=True, exist_ok=True)
    paths = sorted(arguments.photos.glob("*.jpg"))[: arguments.count]
    kept = sum(_label(path, arguments.labelled / f"{path.stem}.png") for path in paths)
    print(f"{kept} of {len(paths)} photos labelled")


def _label(path, target):
    photo = shrink(np.ascontiguousarray(cv2.imread(str(path))[..., ::-1]), LONGEST_PX)
    found = cut_out(photo)
    sides = [found.mask[0], found.mask[-1], found.mask[:, 0], found.mask[:, -1]] if found.mask.any() else []
    cut_by_frame = any(side.mean() > 0.25 for side in sides)
    if found.confidence < SURE or cut_by_frame or not 0.04 < found.mask.mean() < 0.7:
        return False
    alpha = np.round(refine(photo, found.mask) * 255).astype(np.uint8)
    return cv2.imwrite(str(target), np.dstack([photo[..., ::-1], alpha]))


if __name__ == "__main__":
    main()
