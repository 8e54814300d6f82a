"""The tag finder: a small encoder with a decoder that says for every pixel how likely it is a tag, or a string.

Plain 3×3 convolutions rather than depthwise ones: on a CPU they give more learning per second, in training and in use.
"""

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (24, 32, 64, 96, 128)


def block(before, after, stride=1):
    """Convolution, normalisation, rectifier."""
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two convolutions round which the input goes on unchanged."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            block(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x):
        """Add what was found to what came in."""
        return functional.relu(x + self.body(x))


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
            y = self.joins[level](self.sides[level](levels[level]) + _doubled(y))
        y = self.last(functional.relu(self.fine(half) + _doubled(self.coarse(y))))
        return self.head(y)


class Exported(nn.Module):
    """From RGB, 0 to 255, to likelihoods: what the package runs."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, picture):
        """Likelihoods of tag and string."""
        return torch.sigmoid(self.net(scaled(picture)))


def scaled(picture):
    """RGB from 0..255 to about -2..2."""
    return (picture - 118.0) / 62.0


def _doubled(x):
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
