"""Ask the published network for the subjects of free photos: what it knows of them must not be forgotten.

Example:
    python tests/training/cutout/label.py u2netp.onnx LABELLED PHOTOS FLOWERS --count 900

`LABELLED` gets each photo and the map of its subject as one PNG with an alpha channel. The map is the mean of two
looks, one of them mirrored, which is steadier than either. Labelling goes on where it stopped; several processes may
share it.
"""

import argparse
import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
from net import DEVIATION, MEAN

LONGEST_PX = 400
INPUT_PX = 320


def main():
    """Label what is not labelled yet; say how much that is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of JPEGs, searched to the bottom")
    parser.add_argument("--count", type=int, help="take only so many of each folder, by a hash of the name")
    parser.add_argument("--part", default="0/1", help="of several processes, this is which of how many")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.labelled.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, arguments.part.split("/"))
    teacher = cv2.dnn.readNetFromONNX(str(arguments.network))
    paths = [path for folder in arguments.photos for path in _chosen(folder, arguments.count)]
    for path in sorted(paths, key=_shuffled)[part::parts]:
        target = arguments.labelled / f"{path.parent.name}-{path.stem}.png"
        photo = cv2.imread(str(path))
        if photo is not None and not target.exists():
            _label(teacher, photo, target)


def _chosen(folder, count):
    return sorted(folder.rglob("*.jpg"), key=_shuffled)[:count]


def _shuffled(path):
    """The same order anywhere, and a mixture of all folders at any time."""
    return hashlib.sha256(path.name.encode()).digest()


def _label(teacher, photo, target):
    scale = min(1.0, LONGEST_PX / max(photo.shape[:2]))
    photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    square = cv2.resize(photo[..., ::-1], (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    likely = (asked(teacher, square) + asked(teacher, square[:, ::-1])[:, ::-1]) / 2
    alpha = np.round(cv2.resize(likely, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR) * 255).astype(np.uint8)
    partial = target.with_suffix(f".{os.getpid()}.tmp.png")
    cv2.imwrite(str(partial), np.dstack([photo, alpha]))
    partial.replace(target)


def asked(teacher, square):
    """What the published network says of an RGB square, from 0 to 1."""
    scaled = (square.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(DEVIATION)
    teacher.setInput(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]))
    return np.array(teacher.forward(teacher.getUnconnectedOutLayersNames()[0])[0, 0])


if __name__ == "__main__":
    main()
