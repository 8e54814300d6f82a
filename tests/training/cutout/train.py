"""Train the cut-out's network within a time budget and write it as ONNX.

Example:
    python tests/training/cutout/train.py material.pkl cutout_net.onnx --minutes 70

`material.pkl` is what `material.py` wrote; only its half for training is looked at, except for the figure that is
printed every few minutes, which comes from the other. An accelerator is used where there is one. Every few minutes the
state is written beside the output, as `.pt`; `--resume` goes on from there. The same seed, material and `--steps` give
the same pictures in the same order.
"""

import argparse
import math
import os
import time
from collections import deque
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from material import read
from net import CutoutNet, Exported, scaled
from pictures import draw_batch
from torch.nn import functional

MATERIAL = None
INPUT_PX = 224
SAVE_EVERY_S = 240


def main():
    """Read the arguments, train, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("material", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=70.0)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps instead of by the clock")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1, help="threads of the network")
    parser.add_argument("--resume", action="store_true", help="go on from the state of an earlier run")
    parser.add_argument("--stop-after", type=float, default=1e9, help="stop, to be resumed, after so many minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="processes that draw")
    arguments = parser.parse_args()
    # A worker forked while OpenCV keeps threads would wait for them for ever.
    cv2.setNumThreads(0)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    judged = draw_batch(read(arguments.material, "judging"), 0, 144, INPUT_PX)
    # The workers are forked from here: they share the material, and no thread of torch runs yet.
    global MATERIAL
    MATERIAL = read(arguments.material, "training")
    with get_context("fork").Pool(arguments.workers) as pool:
        net = train(pool, arguments, judged)
    export(net, arguments.output)


def train(pool, arguments, judged):
    """Teach a network; return the running mean of its weights, which is steadier than the last ones."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = CutoutNet().to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=_slowly, use_buffers=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=arguments.rate, weight_decay=0.02)
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
        if passed >= 1 or pause or time.monotonic() - written > SAVE_EVERY_S:
            written = time.monotonic()
            parts = {"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**parts, "step": step, "seconds": seconds}, state)
            print(f"held-out IoU {overlap(mean.module, judged, device):.4f}", flush=True)
        if passed >= 1 or pause:
            break
        for group in optimiser.param_groups:
            warm, cosine = min(1, (step + 1) / 100), (1 + math.cos(math.pi * passed)) / 2
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
    picture, truth = (torch.from_numpy(plane).to(device).float() for plane in batch)
    picture = scaled(picture.permute(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        fine, rough = net(picture)
    truth = functional.avg_pool2d(truth[:, None] / 255, 2)
    loss = misfit(fine.float(), truth) + 0.3 * misfit(rough.float(), functional.avg_pool2d(truth, 4))
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimiser.step()
    return loss.item()


def misfit(found, truth):
    """Cross-entropy for each pixel, and overlap for each picture, so that small subjects count as much as large."""
    cross = functional.binary_cross_entropy_with_logits(found, truth)
    likely = torch.sigmoid(found)
    shared = (likely * truth).sum((1, 2, 3))
    either = (likely + truth - likely * truth).sum((1, 2, 3))
    return cross + 0.6 * (1 - (shared + 1) / (either + 1)).mean()


@torch.no_grad()
def overlap(net, judged, device):
    """The mean IoU on pictures made of what is held out."""
    net.eval()
    pictures, alphas = judged
    ious = []
    for picture, alpha in zip(pictures, alphas, strict=True):
        plane = torch.from_numpy(picture).to(device).permute(2, 0, 1)[None].float()
        found = net(scaled(plane))[0][0, 0].cpu().numpy() > 0
        truth = cv2.resize(alpha, found.shape[::-1], interpolation=cv2.INTER_AREA) > 127
        ious.append((found & truth).sum() / max(1, (found | truth).sum()))
    net.train()
    return float(np.mean(ious))


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
        while len(waiting) < 4 * arguments.workers:
            # Some pictures are smaller: the network should not hang on one size, and they are cheap.
            size = INPUT_PX if index % 3 else 160
            waiting.append(pool.apply_async(_draw, (arguments.seed * 10**7 + index, arguments.batch, size)))
            index += 1
        yield waiting.popleft().get()


def _draw(seed, count, size):
    return draw_batch(MATERIAL, seed, count, size)


def _slowly(averages, values, updates):
    decay = min(0.998, (1 + float(updates)) / (10 + float(updates)))
    for average, value in zip(averages, values, strict=True):
        if average.is_floating_point():
            average.mul_(decay).add_(value, alpha=1 - decay)
        else:
            average.copy_(value)


if __name__ == "__main__":
    main()
