"""The cut-out's own eye: a small encoder with a decoder that says for every pixel how likely it is the subject.

Plain 3×3 convolutions rather than depthwise ones: on a CPU they give more learning per second, in training and in use.
What is the subject is a question to the whole picture, so the deepest level sees all of it: by dilated convolutions
(DeepLab, Chen et al., 2017) and by the mean over the picture.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))
from layers import Residual, block, doubled

WIDTHS = (20, 32, 56, 88, 104)
LATERAL = 40


class CutoutNet(nn.Module):
    """Logits of the subject at half the size (and roughly, at an eighth), from pictures scaled to about -2 to 2."""

    def __init__(self):
        super().__init__()
        first, second, third, fourth, fifth = WIDTHS
        self.stem = block(3, first, 2)
        self.stages = nn.ModuleList([
            nn.Sequential(block(first, second, 2), Residual(second)),
            nn.Sequential(block(second, third, 2), Residual(third)),
            nn.Sequential(block(third, fourth, 2), Residual(fourth), Residual(fourth, 2)),
            nn.Sequential(block(fourth, fifth, 2), Residual(fifth), Residual(fifth, 2)),
        ])  # fmt: skip
        # A subject is what differs from the rest: the whole picture's mean goes to every place, as itself and as gate.
        self.mean, self.gate = nn.Linear(fifth, LATERAL), nn.Linear(fifth, LATERAL)
        self.sides = nn.ModuleList([nn.Conv2d(width, LATERAL, 1) for width in WIDTHS[1:]])
        self.joins = nn.ModuleList([block(LATERAL, LATERAL) for _ in range(4)])
        self.rough = nn.Conv2d(LATERAL, 1, 1)
        self.fine, self.coarse = nn.Conv2d(first, 20, 1), nn.Conv2d(LATERAL, 20, 1)
        self.last = block(20, 20)
        self.head = nn.Conv2d(20, 1, 3, 1, 1)

    def forward(self, x):
        """The fine plane, and the rough one that the coarser levels are taught by."""
        half = x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        whole = x.mean((2, 3))
        y = self.sides[3](x) * torch.sigmoid(self.gate(whole))[:, :, None, None] + self.mean(whole)[:, :, None, None]
        y = self.joins[3](y)
        for level in (2, 1, 0):
            y = self.joins[level](self.sides[level](levels[level]) + doubled(y))
            if level == 1:
                rough = self.rough(y)
        y = self.last(functional.relu(self.fine(half) + doubled(self.coarse(y))))
        return self.head(y), rough
