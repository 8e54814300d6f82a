"""How our networks are taught: batches that other processes draw, the loop, and its state on disk.

An accelerator is used where there is one. Every few minutes the state is written beside the output, as `.pt`;
`--resume` goes on from there, for a machine on which a run must be short. The same seed, material and `--steps` give
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
import torch

SAVE_EVERY_S = 240


def parser_of(documentation, material, *, minutes):
    """The arguments that every training has."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(material, type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps instead of by the clock")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--resume", action="store_true", help="go on from the state of an earlier run")
    parser.add_argument("--stop-after", type=float, default=1e9, help="stop, to be resumed, after so many minutes")
    parser.add_argument("--seed", type=int, default=1)
    cores = os.cpu_count() or 2
    parser.add_argument("--workers", type=int, default=max(1, cores // 2), help="processes that draw")
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of the network; 0: the cores left by the workers"
    )
    return parser


def ready(arguments):
    """Set seeds and threads; to be called before anything is drawn or learnt."""
    # A worker forked while OpenCV keeps threads would wait for them for ever.
    cv2.setNumThreads(0)
    torch.manual_seed(arguments.seed)
    # Threads of one convolution wait for the slowest: more of them than free cores are slower than one.
    torch.set_num_threads(arguments.threads or max(1, (os.cpu_count() or 2) - arguments.workers))


def taught(net, arguments, *, draw, side_of, loss_of, decay, look=None):
    """Teach a network; return the running mean of its weights, which is steadier than the last ones.

    `draw(seed, count, side)` makes a batch in another process, whose `side_of(step)` is how large its pictures are;
    `loss_of(net, batch, device)` says how wrong the network is; `look(net, device)` is asked for a line now and then.
    """
    # The workers are forked here: they share what was gathered, and no thread of torch runs yet.
    with get_context("fork").Pool(arguments.workers) as pool:
        return _taught(net, arguments, pool, draw, side_of, loss_of, decay, look)


def _taught(net, arguments, pool, draw, side_of, loss_of, decay, look):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = net.to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=_slowly, use_buffers=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=arguments.rate, weight_decay=decay)
    parts = {"net": net, "mean": mean, "optimiser": optimiser}
    state = arguments.output.with_suffix(".pt")
    step, before, running = 0, 0.0, 0.0
    if arguments.resume:
        saved = torch.load(state, map_location=device)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        step, before = saved["step"], saved["seconds"]
    started = written = time.monotonic()
    for batch in _batches(pool, draw, side_of, arguments, step):
        seconds = before + time.monotonic() - started
        passed = step / arguments.steps if arguments.steps else seconds / (60 * arguments.minutes)
        pause = seconds - before > 60 * arguments.stop_after
        if passed >= 1 or pause or time.monotonic() - written > SAVE_EVERY_S:
            written = time.monotonic()
            kept = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**kept, "step": step, "seconds": seconds}, state)
            if look is not None:
                print(look(mean.module, device), flush=True)
        if passed >= 1 or pause:
            break
        for group in optimiser.param_groups:
            warm, cosine = min(1, (step + 1) / 100), (1 + math.cos(math.pi * passed)) / 2
            group["lr"] = arguments.rate * warm * (0.01 + 0.99 * cosine)
        loss = loss_of(net, batch, device)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        mean.update_parameters(net)
        running = loss.item() if running == 0 else 0.98 * running + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step}, {seconds:.0f} s, {100 * passed:.1f} %, loss {running:.4f}", flush=True)
        step += 1
    return mean.module.cpu().eval()


def _batches(pool, draw, side_of, arguments, index):
    """Batches in the order of their seeds, from one on, a few ahead of their use."""
    waiting = deque()
    while True:
        while len(waiting) < 4 * arguments.workers:
            seed = arguments.seed * 10**7 + index
            waiting.append(pool.apply_async(draw, (seed, arguments.batch, side_of(index))))
            index += 1
        yield waiting.popleft().get()


def _slowly(averages, values, updates):
    decay = min(0.998, (1 + float(updates)) / (10 + float(updates)))
    for average, value in zip(averages, values, strict=True):
        if average.is_floating_point():
            average.mul_(decay).add_(value, alpha=1 - decay)
        else:
            average.copy_(value)
