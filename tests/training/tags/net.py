"""The tag finder: a small encoder with a decoder that says for every pixel how likely it is a tag, or a string.

Plain 3×3 convolutions rather than depthwise ones: on a CPU they give more learning per second, in training and in use.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))
from layers import Residual, block, doubled

WIDTHS = (24, 32, 64, 96, 128)


class TagNet(nn.Module):
    """Logits of tag and string at half the size, from pictures scaled to about -2 to 2."""

    def __init__(self, lateral=40):
        super().__init__()
        first, second, third, fourth, fifth = WIDTHS
        self.stem = block(3, first, 2)
        self.stages = nn.ModuleList([
            nn.Sequential(block(first, second, 2), Residual(second)),
            nn.Sequential(block(second, third, 2), Residual(third)),
            nn.Sequential(block(third, fourth, 2), Residual(fourth), Residual(fourth)),
            nn.Sequential(block(fourth, fifth, 2), Residual(fifth)),
        ])  # fmt: skip
        # What the whole picture is like decides whether a white rectangle is paper on cloth or a window.
        self.context = nn.Linear(fifth, lateral)
        self.sides = nn.ModuleList([nn.Conv2d(width, lateral, 1) for width in WIDTHS[1:]])
        self.joins = nn.ModuleList([block(lateral, lateral) for _ in range(3)])
        self.fine, self.coarse = nn.Conv2d(first, 24, 1), nn.Conv2d(lateral, 24, 1)
        self.last = block(24, 24)
        self.head = nn.Conv2d(24, 2, 3, 1, 1)

    def forward(self, x):
        """Two planes: tag, string."""
        half = x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        gate = torch.sigmoid(self.context(x.mean((2, 3))))[:, :, None, None]
        y = self.sides[3](x) * gate
        for level in (2, 1, 0):
            y = self.joins[level](self.sides[level](levels[level]) + doubled(y))
        y = self.last(functional.relu(self.fine(half) + doubled(self.coarse(y))))
        return self.head(y)
