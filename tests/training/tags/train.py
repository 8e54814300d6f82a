"""Train the tag finder within a time budget and write it as ONNX.

Example:
    python tests/training/tags/train.py PHOTOS tag_net.onnx --minutes 110

`PHOTOS` is a folder of JPEGs without tags on them; 15 % of them, chosen by name, are never looked at here. For seeds,
interruptions and accelerators see `lessons.py`.
"""

import sys
import time
from multiprocessing import get_context
from pathlib import Path

import torch
from net import TagNet
from pictures import Stock, draw_batch, draw_layers, draw_scenes, read_photos
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))
from layers import export, scaled
from lessons import parser_of, ready, taught

STOCK = None
INPUT_PX = 384


def main():
    """Read the arguments, train, export."""
    parser = parser_of(__doc__, "photos", minutes=110.0)
    parser.add_argument("--layers", type=int, default=4000, help="how many tags are drawn beforehand")
    parser.add_argument("--price-dots", action="store_true", help="teach small blank discs as tags, never as decoys")
    arguments = parser.parse_args()
    ready(arguments)
    global STOCK
    STOCK = gather(arguments)
    net = taught(TagNet(), arguments, draw=_draw, side_of=_crop, loss_of=_loss, decay=0.01)
    export(net, arguments.output, INPUT_PX)


def gather(arguments):
    """Draw the tags and scenes that all pictures are put together from."""
    started = time.monotonic()
    photos = read_photos(arguments.photos, held_out=False)
    dots = arguments.price_dots
    tasks = [(arguments.seed * 1000 + index, arguments.layers // 40, dots) for index in range(40)]
    with get_context("fork").Pool(arguments.workers) as pool:
        layers = [layer for part in pool.map(draw_layers, tasks) for layer in part]
        scenes = [scene for part in pool.map(draw_scenes, [(seed, 25) for seed, _, _ in tasks]) for scene in part]
    print(
        f"{len(photos)} photos, {len(layers)} tags, {len(scenes)} scenes in {time.monotonic() - started:.0f} s",
        flush=True,
    )
    return Stock(photos, [photo for photo in photos if photo.alike], scenes, layers, dots)


def _loss(net, batch, device):
    picture, truth, weight = (torch.from_numpy(plane).to(device) for plane in batch)
    picture = scaled(picture.permute(0, 3, 1, 2).float()).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        found = net(picture)
    truth, weight = (functional.avg_pool2d(plane.float(), 2) for plane in (truth, weight[:, None]))
    return misfit(found.float(), truth / 255, weight / 50)


def misfit(found, truth, weight):
    """Cross-entropy, its worst pixels once more, and overlap; strings are thin, so they count by the pixel more."""
    cross = functional.binary_cross_entropy_with_logits(found, truth, reduction="none")
    cross = cross * weight * (1 + truth * torch.tensor([1.0, 3.0], device=found.device)[:, None, None])
    flat = cross.flatten(1)
    # The few pixels that are most wrong, such as a print taken for a tag, would drown in the mean.
    worst = flat.topk(flat.shape[1] // 50, dim=1).values.mean()
    likely = torch.sigmoid(found)
    shared, both = ((plane * weight).sum((2, 3)) for plane in (likely * truth, likely + truth))
    overlap = 1 - (2 * shared + 8) / (both + 8)
    present = (truth.sum((2, 3)) > 5).float() * torch.tensor([1.0, 0.4], device=found.device)
    return flat.mean() + 0.1 * worst + 0.5 * (overlap * present).sum() / len(found)


def _crop(index):
    """Mostly small crops, which are fast; every fourth is large, for what only a wide view tells."""
    return 256 if index % 4 == 3 else 192


def _draw(seed, count, crop):
    return draw_batch(STOCK, seed, count, crop)


if __name__ == "__main__":
    main()
