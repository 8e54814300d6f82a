"""Fine-tune the cut-out's network from its published weights and write it as ONNX.

Example:
    python tests/training/cutout/train.py material.pkl cutout_net.onnx --published u2netp.onnx --minutes 90 --rate 1e-4

`material.pkl` is what `material.py` wrote; only its half for training is looked at, except for the figure that is
printed every few minutes, which comes from the other. The first stages see edges and surfaces, which are the same
everywhere, and stay as they are. What is written are the published weights, moved towards the new ones by `--share`:
that keeps what the published ones know and takes most of what was learnt. For seeds, interruptions and accelerators see
`lessons.py`.
"""

import functools
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from material import read
from net import begin, joined, scaled
from pictures import draw_batch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))
from layers import export
from lessons import parser_of, ready, taught

MATERIAL = None
INPUT_PX = 320
#: So many stages of the encoder stay as they were published.
KEPT = 2


def main():
    """Read the arguments, train, export."""
    parser = parser_of(__doc__, "material", minutes=90.0)
    parser.add_argument("--published", type=Path, required=True, help="u2netp.onnx, as it was published")
    parser.add_argument("--share", type=float, default=0.15, help="how far to go from the published weights to the new")
    arguments = parser.parse_args()
    ready(arguments)
    judged = draw_batch(read(arguments.material, "judging"), 0, 32, INPUT_PX)
    global MATERIAL
    MATERIAL = read(arguments.material, "training")
    look = functools.partial(_look, judged=judged)
    net = begin(arguments.published)
    for kept in net.encoder[:KEPT]:
        kept.requires_grad_(False)
    net = taught(net, arguments, draw=_draw, side_of=_side, loss_of=_loss, decay=0.0, look=look)
    export(joined(begin(arguments.published), net, arguments.share), arguments.output, INPUT_PX, scaled)


def _loss(net, batch, device):
    picture, truth = (torch.from_numpy(plane).to(device).float() for plane in batch)
    picture = scaled(picture.permute(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last)
    truth = truth[:, None] / 255
    with torch.autocast(device.type, torch.bfloat16):
        answer, *maps = net(picture)
    return misfit(answer.float(), truth) + 0.2 * sum(misfit(each.float(), truth) for each in maps[:4])


def misfit(found, truth):
    """Cross-entropy for each pixel, and overlap for each picture, so that small subjects count as much as large."""
    cross = functional.binary_cross_entropy_with_logits(found, truth)
    likely = torch.sigmoid(found)
    shared = (likely * truth).sum((1, 2, 3))
    either = (likely + truth - likely * truth).sum((1, 2, 3))
    return cross + 0.4 * (1 - (shared + 1) / (either + 1)).mean()


def _look(net, device, judged):
    return f"held-out IoU {overlap(net, judged, device):.4f}"


@torch.no_grad()
def overlap(net, judged, device):
    """The mean IoU on pictures made of what is held out."""
    net.eval()
    pictures, alphas = judged
    ious = []
    for picture, alpha in zip(pictures, alphas, strict=True):
        plane = torch.from_numpy(picture).to(device).permute(2, 0, 1)[None].float()
        with torch.autocast(device.type, torch.bfloat16):
            found = net(scaled(plane))[0][0, 0].float().cpu().numpy() > 0
        truth = cv2.resize(alpha, found.shape[::-1], interpolation=cv2.INTER_AREA) > 127
        ious.append((found & truth).sum() / max(1, (found | truth).sum()))
    net.train()
    return float(np.mean(ious))


def _side(index):
    """Some pictures are smaller: the network should not hang on one size, and they are cheap."""
    return INPUT_PX if index % 3 else 224


def _draw(seed, count, size):
    return draw_batch(MATERIAL, seed, count, size)


if __name__ == "__main__":
    main()
