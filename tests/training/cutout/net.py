"""U²-Net-p, the small network of Qin et al. (Pattern Recognition, 2020), built anew so that it can be fine-tuned.

Each stage is a U of its own: it looks at the picture at several sizes and adds what it found to what came in. Six such
stages form the encoder of a larger U, five its decoder; each level makes a map, and all maps together make the answer.
In the published file normalisation is already folded into the convolutions, so there is none here: at the low rates of
fine-tuning none is missed.
"""

import onnx
import torch
from torch import nn
from torch.nn import functional

WIDTH, INNER = 64, 16
#: How many sizes the stages look at, the largest first; 0 stands for dilated convolutions at one size.
DEPTHS = (7, 6, 5, 4, 0, 0)
#: What the published weights expect of a picture.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Step(nn.Module):
    """A convolution and its rectifier."""

    def __init__(self, before, after, dilation=1):
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation)

    def forward(self, x):
        """What the filters find."""
        return functional.relu(self.convolution(x))


class Pyramid(nn.Module):
    """A small U: down through `depth` sizes and up again, added to what came in."""

    def __init__(self, before, depth):
        super().__init__()
        self.first = Step(before, WIDTH)
        self.down = nn.ModuleList([Step(WIDTH if level == 0 else INNER, INNER) for level in range(depth - 1)])
        self.middle = Step(INNER, INNER, 2)
        self.up = nn.ModuleList([Step(2 * INNER, WIDTH if level == depth - 2 else INNER) for level in range(depth - 1)])

    def forward(self, x):
        """The input and what was found in it, at its size."""
        given = x = self.first(x)
        levels = []
        for level, step in enumerate(self.down):
            x = step(x if level == 0 else halved(x))
            levels.append(x)
        x = self.middle(x)
        for step, level in zip(self.up, reversed(levels), strict=True):
            x = step(torch.cat([enlarged(x, level), level], 1))
        return x + given


class Dilated(nn.Module):
    """The same where the picture is too small to be halved: wider and wider filters instead of smaller sizes."""

    def __init__(self, before):
        super().__init__()
        self.first = Step(before, WIDTH)
        self.down = nn.ModuleList([Step(WIDTH, INNER), Step(INNER, INNER, 2), Step(INNER, INNER, 4)])
        self.middle = Step(INNER, INNER, 8)
        self.up = nn.ModuleList([Step(2 * INNER, INNER, 4), Step(2 * INNER, INNER, 2), Step(2 * INNER, WIDTH)])

    def forward(self, x):
        """The input and what was found in it."""
        given = x = self.first(x)
        levels = []
        for step in self.down:
            x = step(x)
            levels.append(x)
        x = self.middle(x)
        for step, level in zip(self.up, reversed(levels), strict=True):
            x = step(torch.cat([x, level], 1))
        return x + given


class CutoutNet(nn.Module):
    """Logits of the subject, from pictures scaled as `scaled` does: the answer first, then one map a level."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleList([stage(3 if level == 0 else WIDTH, depth) for level, depth in enumerate(DEPTHS)])
        self.decoder = nn.ModuleList([stage(2 * WIDTH, depth) for depth in reversed(DEPTHS[:-1])])
        self.sides = nn.ModuleList([nn.Conv2d(WIDTH, 1, 3, padding=1) for _ in DEPTHS])
        self.answer = nn.Conv2d(len(DEPTHS), 1, 1)

    def forward(self, x):
        """The answer, and the maps it is made of, all at the picture's size."""
        levels = []
        for number, part in enumerate(self.encoder):
            x = part(x if number == 0 else halved(x))
            levels.append(x)
        found = [x]
        for part, level in zip(self.decoder, reversed(levels[:-1]), strict=True):
            x = part(torch.cat([enlarged(x, level), level], 1))
            found.insert(0, x)
        maps = [side(level) for side, level in zip(self.sides, found, strict=True)]
        maps = [maps[0], *(enlarged(each, maps[0]) for each in maps[1:])]
        return self.answer(torch.cat(maps, 1)), *maps


def stage(before, depth):
    """One stage: a pyramid of so many sizes, or dilated."""
    return Pyramid(before, depth) if depth else Dilated(before)


def halved(x):
    """Half the size, odd sides rounded up."""
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def enlarged(x, like):
    """As large as another."""
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def scaled(picture):
    """RGB from 0..255 to what the network expects."""
    mean, deviation = (picture.new_tensor(each)[:, None, None] for each in (MEAN, DEVIATION))
    return (picture / 255 - mean) / deviation


def joined(published, taught, share):
    """A network between two: it knows nearly all that either does (Wortsman et al., CVPR 2022, for large ones)."""
    between = CutoutNet().eval()
    new = taught.state_dict()
    between.load_state_dict({name: old + share * (new[name] - old) for name, old in published.state_dict().items()})
    return between


def begin(path):
    """The network with the published weights, read from their ONNX file: its convolutions in the order they run."""
    net = CutoutNet().eval()
    graph = onnx.load(path).graph
    held = {each.name: torch.tensor(onnx.numpy_helper.to_array(each)) for each in graph.initializer}
    given = [[held[name] for name in node.input[1:]] for node in graph.node if node.op_type == "Conv"]
    ran = []
    hooks = [
        module.register_forward_hook(lambda module, _given, _found: ran.append(module))
        for module in net.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.no_grad():
        net(torch.zeros(1, 3, 320, 320))
        for module, (weight, bias) in zip(ran, given, strict=True):
            module.weight.copy_(weight)
            module.bias.copy_(bias)
    for hook in hooks:
        hook.remove()
    return net
