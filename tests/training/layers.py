"""The bricks of our networks, and how a network becomes the file that the package runs.

Plain 3×3 convolutions rather than depthwise ones: on a CPU they give more learning per second, in training and in use.
"""

import torch
from torch import nn
from torch.nn import functional


def block(before, after, stride=1, dilation=1):
    """Convolution, normalisation, rectifier."""
    convolution = nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two convolutions round which the input goes on unchanged."""

    def __init__(self, width, dilation=1):
        super().__init__()
        last = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.body = nn.Sequential(block(width, width, 1, dilation), last, nn.BatchNorm2d(width))

    def forward(self, x):
        """Add what was found to what came in."""
        return functional.relu(x + self.body(x))


def scaled(picture):
    """RGB from 0..255 to about -2..2."""
    return (picture - 118.0) / 62.0


def doubled(x):
    """Twice the size."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Exported(nn.Module):
    """From RGB, 0 to 255, to likelihoods: what the package runs."""

    def __init__(self, net, scaled=scaled):
        super().__init__()
        self.net, self.scaled = net, scaled

    def forward(self, picture):
        """How likely each pixel is what the network looks for."""
        found = self.net(self.scaled(picture))
        return torch.sigmoid(found[0] if isinstance(found, tuple) else found)


def export(net, path, side, scaled=scaled):
    """Write the network for pictures of this many pixels each way, which it sees as `scaled` makes them."""
    torch.onnx.export(
        Exported(net, scaled),
        torch.zeros(1, 3, side, side),
        str(path),
        input_names=["picture"],
        output_names=["likely"],
        opset_version=13,
        dynamo=False,
    )
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
