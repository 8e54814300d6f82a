"""Train the tag finder within a time budget and write it as ONNX.

Example:
    python tests/training/tags/train.py PHOTOS tag_net.onnx --minutes 90

`PHOTOS` is a folder of JPEGs without tags on them; 15 % of them, chosen by name, are never looked at here. An
accelerator is used where there is one. Every few minutes the state is written beside the output, as `.pt`; `--resume`
goes on from there, for a machine on which a run must be short. The same seed, photos and `--steps` give the same
pictures in the same order.
"""

import argparse
import math
import os
import time
from collections import deque
from multiprocessing import get_context
from pathlib import Path

import cv2
import torch
from net import Exported, TagNet, scaled
from pictures import Stock, draw_batch, draw_layers, draw_scenes, read_photos
from torch.nn import functional

STOCK = None
INPUT_PX = 384


def main():
    """Read the arguments, train, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps instead of by the clock")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--layers", type=int, default=4000, help="how many tags are drawn beforehand")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of the network; 0: the cores left by the workers"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the state of an earlier run")
    parser.add_argument("--stop-after", type=float, default=1e9, help="stop, to be resumed, after so many minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="processes that draw")
    arguments = parser.parse_args()
    # A worker forked while OpenCV keeps threads would wait for them for ever.
    cv2.setNumThreads(0)
    torch.manual_seed(arguments.seed)
    # Threads of one convolution wait for the slowest: more of them than free cores are slower than one.
    torch.set_num_threads(arguments.threads or max(1, (os.cpu_count() or 2) - arguments.workers))
    stock = gather(arguments)
    # The workers are forked from here: they share the stock, and no thread of torch runs yet.
    global STOCK
    STOCK = stock
    with get_context("fork").Pool(arguments.workers) as pool:
        net = train(pool, arguments)
    export(net, arguments.output)


def gather(arguments):
    """Draw the tags and scenes that all pictures are put together from."""
    started = time.monotonic()
    photos = read_photos(arguments.photos, held_out=False)
    tasks = [(arguments.seed * 1000 + index, arguments.layers // 40) for index in range(40)]
    with get_context("fork").Pool(arguments.workers) as pool:
        layers = [layer for part in pool.map(draw_layers, tasks) for layer in part]
        scenes = [scene for part in pool.map(draw_scenes, [(seed, 8) for seed, _ in tasks]) for scene in part]
    print(
        f"{len(photos)} photos, {len(layers)} tags, {len(scenes)} scenes in {time.monotonic() - started:.0f} s",
        flush=True,
    )
    return Stock(photos, scenes, layers)


def train(pool, arguments):
    """Teach a network; return the running mean of its weights, which is steadier than the last ones."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = TagNet().to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=_slowly, use_buffers=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=arguments.rate, weight_decay=0.01)
    state = arguments.output.with_suffix(".pt")
    step, before, running = 0, 0.0, 0.0
    if arguments.resume:
        saved = torch.load(state, map_location=device)
        net.load_state_dict(saved["net"])
        mean.load_state_dict(saved["mean"])
        optimiser.load_state_dict(saved["optimiser"])
        step, before = saved["step"], saved["seconds"]
    started = written = time.monotonic()
    for batch in _batches(pool, arguments, step):
        seconds = before + time.monotonic() - started
        passed = step / arguments.steps if arguments.steps else seconds / (60 * arguments.minutes)
        pause = seconds - before > 60 * arguments.stop_after
        if passed >= 1 or pause or time.monotonic() - written > 240:
            written = time.monotonic()
            parts = {"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**parts, "step": step, "seconds": seconds}, state)
        if passed >= 1 or pause:
            break
        for group in optimiser.param_groups:
            warm, cosine = min(1, (step + 1) / 80), (1 + math.cos(math.pi * passed)) / 2
            group["lr"] = arguments.rate * warm * (0.01 + 0.99 * cosine)
        loss = _learn(net, optimiser, batch, device)
        mean.update_parameters(net)
        running = loss if running == 0 else 0.98 * running + 0.02 * loss
        if step % 100 == 0:
            print(f"step {step}, {seconds:.0f} s, {100 * passed:.1f} %, loss {running:.4f}", flush=True)
        step += 1
    return mean.module.cpu().eval()


def _learn(net, optimiser, batch, device):
    """One step; return its loss."""
    picture, truth, weight = (torch.from_numpy(plane).to(device) for plane in batch)
    picture = scaled(picture.permute(0, 3, 1, 2).float()).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        found = net(picture)
    truth, weight = (functional.avg_pool2d(plane.float(), 2) for plane in (truth, weight[:, None]))
    loss = misfit(found.float(), truth / 255, weight / 50)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimiser.step()
    return loss.item()


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


def export(net, path):
    """Write the network for pictures of `INPUT_PX` by `INPUT_PX`."""
    example = torch.zeros(1, 3, INPUT_PX, INPUT_PX)
    torch.onnx.export(
        Exported(net),
        example,
        str(path),
        input_names=["picture"],
        output_names=["likely"],
        opset_version=13,
        dynamo=False,
    )
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def _batches(pool, arguments, index):
    """Batches in the order of their seeds, from one on, a few ahead of their use."""
    waiting = deque()
    while True:
        while len(waiting) < 2 * arguments.workers:
            size = _crop(index)
            waiting.append(pool.apply_async(_draw, (arguments.seed * 10**7 + index, arguments.batch, size)))
            index += 1
        yield waiting.popleft().get()


def _crop(index):
    """Mostly small crops, which are fast; every fourth is large, for what only a wide view tells."""
    return 256 if index % 4 == 3 else 192


def _draw(seed, count, crop):
    return draw_batch(STOCK, seed, count, crop)


def _slowly(averages, values, updates):
    decay = min(0.998, (1 + float(updates)) / (10 + float(updates)))
    for average, value in zip(averages, values, strict=True):
        if average.is_floating_point():
            average.mul_(decay).add_(value, alpha=1 - decay)
        else:
            average.copy_(value)


if __name__ == "__main__":
    main()
