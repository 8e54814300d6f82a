"""How our networks are taught: batches that other processes draw, the loop, and its state on disk.

An accelerator is used where there is one. Every few minutes the state is written beside the output, as `.pt`;
`--resume` goes on from there, for a machine on which a run must be short; `--start` begins another run with the weights
of an earlier one. The same seed, material, `--steps` and
`--learners` give the same pictures in the same order. Two learners with a thread each see a third more pictures on two
cores than one for whom the second core draws. `--muon` learns from one picture what AdamW learns from several.
"""

import argparse
import ctypes
import math
import os
import tempfile
import time
from collections import deque
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import cv2
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

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
    parser.add_argument("--muon", action="store_true", help="let Muon instead of AdamW change the convolutions")
    parser.add_argument("--start", type=Path, help="the state of an earlier run whose weights this one begins with")
    parser.add_argument("--resume", action="store_true", help="go on from the state of an earlier run")
    parser.add_argument("--stop-after", type=float, default=1e9, help="stop, to be resumed, after so many minutes")
    parser.add_argument("--seed", type=int, default=1)
    cores = os.cpu_count() or 2
    parser.add_argument("--learners", type=int, default=1, help="processes that learn, each from a batch of its own")
    parser.add_argument("--workers", type=int, default=max(1, cores // 2), help="processes that draw for each")
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of each network; 0: the cores left by the workers"
    )
    return parser


def ready(arguments):
    """Set seeds and threads; to be called before anything is drawn or learnt."""
    # A worker forked while OpenCV keeps threads would wait for them for ever.
    cv2.setNumThreads(0)
    torch.manual_seed(arguments.seed)
    _keep_memory()
    # Threads of one convolution wait for the slowest: more of them than free cores are slower than one.
    torch.set_num_threads(arguments.threads or max(1, (os.cpu_count() or 2) // arguments.learners - arguments.workers))


def _keep_memory():
    """Let glibc keep what large tensors give back: to ask the system for it at each step takes a tenth of the time."""
    system = ctypes.CDLL(None)
    if hasattr(system, "mallopt"):
        trim_threshold, mmap_threshold = -1, -3
        for setting in (trim_threshold, mmap_threshold):
            system.mallopt(setting, 2**30)


class Kernels(torch.optim.Muon):
    """Muon, which asks for matrices, over convolutions: what makes one channel is one row.

    It goes equally far in all directions that the gradient has, so rare ones are not drowned by common ones.
    """

    def __init__(self, kernels, **options):
        self._pairs = [(kernel, torch.nn.Parameter(_rows(kernel.detach()))) for kernel in kernels]
        if any(kernel.data_ptr() != rows.data_ptr() for kernel, rows in self._pairs):
            raise ValueError("The kernels do not lie in memory as rows; give them the format `channels_last`.")
        super().__init__([rows for _, rows in self._pairs], adjust_lr_fn="match_rms_adamw", **options)

    def step(self):
        """Change the kernels by their gradients."""
        for kernel, rows in self._pairs:
            rows.grad = _rows(kernel.grad)
        super().step()


def _rows(kernel):
    return kernel.permute(0, 2, 3, 1).flatten(1)


def optimisers_of(net, *, rate, decay, muon):
    """Who changes the weights: AdamW all of them, or all but the convolutions before the last, of few channels."""
    convolutions = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d)]
    inside = [module.weight for module in convolutions if muon and module.out_channels > 4]
    taken = {id(kernel) for kernel in inside}
    others = [weight for weight in net.parameters() if id(weight) not in taken]
    made = [torch.optim.AdamW(others, lr=rate, weight_decay=decay)]
    return [*made, Kernels(inside, lr=2 * rate, weight_decay=decay)] if inside else made


def taught(net, arguments, *, draw, side_of, loss_of, decay, look=None):
    """Teach a network; return the running mean of its weights, which is steadier than the last ones.

    `draw(seed, count, side)` makes a batch in another process, whose `side_of(step)` is how large its pictures are;
    `loss_of(net, batch, device)` says how wrong the network is; `look(net, device)` is asked for a line now and then.
    """
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        lesson = (net, arguments, draw, side_of, loss_of, decay, look, meeting)
        # All are forked here: they share what was gathered, and no thread of torch runs yet.
        context = get_context("fork")
        others = [context.Process(target=_learn, args=(rank, *lesson)) for rank in range(1, arguments.learners)]
        for other in others:
            other.start()
        learnt = _learn(0, *lesson)
        for other in others:
            other.join()
    return learnt


def _learn(rank, net, arguments, draw, side_of, loss_of, decay, look, meeting):
    with get_context("fork").Pool(arguments.workers) as pool, _together(rank, arguments.learners, meeting):
        return _taught(net, arguments, pool, draw, side_of, loss_of, decay, look, rank)


@contextmanager
def _together(rank, learners, meeting):
    """Where several learn: a group whose members know each other by a file."""
    if learners > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=learners)
    try:
        yield
    finally:
        if learners > 1:
            distributed.destroy_process_group()


def _taught(net, arguments, pool, draw, side_of, loss_of, decay, look, rank):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if arguments.start:
        begun = torch.load(arguments.start, map_location=device)["mean"]
        inner = {name.removeprefix("module."): value for name, value in begun.items() if name.startswith("module.")}
        net.load_state_dict(inner)
    net = net.to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=_slowly, use_buffers=True)
    optimisers = optimisers_of(net, rate=arguments.rate, decay=decay, muon=arguments.muon)
    rates = [optimiser.param_groups[0]["lr"] for optimiser in optimisers]
    parts = {"net": net, "mean": mean} | {f"optimiser {number}": each for number, each in enumerate(optimisers)}
    state = arguments.output.with_suffix(".pt")
    step, before, running = 0, 0.0, 0.0
    if arguments.resume:
        saved = torch.load(state, map_location=device)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        step, before = saved["step"], saved["seconds"]
    shared = DistributedDataParallel(net) if arguments.learners > 1 else net
    started = written = time.monotonic()
    for batch in _batches(pool, draw, side_of, arguments, step, rank):
        seconds = _agreed(before + time.monotonic() - started, arguments.learners)
        passed = step / arguments.steps if arguments.steps else seconds / (60 * arguments.minutes)
        pause = seconds - before > 60 * arguments.stop_after
        if rank == 0 and (passed >= 1 or pause or time.monotonic() - written > SAVE_EVERY_S):
            written = time.monotonic()
            kept = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**kept, "step": step, "seconds": seconds}, state)
            if look is not None:
                print(look(mean.module, device), flush=True)
        if passed >= 1 or pause:
            break
        warm, cosine = min(1, (step + 1) / 100), (1 + math.cos(math.pi * passed)) / 2
        for optimiser, rate in zip(optimisers, rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * warm * (0.01 + 0.99 * cosine)
        loss = loss_of(shared, batch, device)
        net.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        for optimiser in optimisers:
            optimiser.step()
        mean.update_parameters(net)
        running = loss.item() if running == 0 else 0.98 * running + 0.02 * loss.item()
        if rank == 0 and step % 100 == 0:
            print(f"step {step}, {seconds:.0f} s, {100 * passed:.1f} %, loss {running:.4f}", flush=True)
        step += 1
    return mean.module.cpu().eval()


def _agreed(seconds, learners):
    """The time by the first one's clock: all must stop after the same step."""
    if learners == 1:
        return seconds
    clock = torch.tensor([seconds], dtype=torch.float64)
    distributed.broadcast(clock, 0)
    return float(clock)


def _batches(pool, draw, side_of, arguments, step, rank):
    """Batches in the order of their seeds, each learner its own, a few ahead of their use."""
    waiting = deque()
    try:
        while True:
            while len(waiting) < 4 * arguments.workers:
                seed = arguments.seed * 10**7 + step * arguments.learners + rank
                waiting.append(pool.apply_async(draw, (seed, arguments.batch, side_of(step))))
                step += 1
            yield waiting.popleft().get()
    finally:
        # A pool that is ended while it still draws may wait for ever for the one that holds its queue.
        for batch in waiting:
            batch.wait()


def _slowly(averages, values, updates):
    decay = min(0.998, (1 + float(updates)) / (10 + float(updates)))
    for average, value in zip(averages, values, strict=True):
        if average.is_floating_point():
            average.mul_(decay).add_(value, alpha=1 - decay)
        else:
            average.copy_(value)
