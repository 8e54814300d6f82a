"""Where the boxes of a recipe's diagram stand, and which way its arrows take round them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .step import Step

WIDE: Final = 172
HIGH: Final = 66
_APART: Final = (44, 18)
_APART_DOWN: Final = (18, 34)
#: A row of boxes that is wider than this is hard to read in a cell; it then goes from top to bottom.
_MOST_WIDE: Final = 900

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """The upper left corner of each box, and the way of each arrow: where it begins, passes and ends."""

    width: int
    height: int
    boxes: dict[str, Point]
    arrows: tuple[tuple[Point, ...], ...]
    goes_down: bool


def laid_out(inputs: Sequence[str], steps: Sequence[Step]) -> Layout:
    """Lay a recipe out: what takes a picture stands behind what makes it, and nothing on the way of an arrow."""
    depths = _depths(inputs, steps)
    lanes, ways = _lanes(depths, steps)
    across, along = max(lanes.values()) + 1, max(depths.values()) + 1
    goes_down = along * (WIDE + _APART[0]) > _MOST_WIDE and across < along
    apart = _APART_DOWN if goes_down else _APART

    def corner(depth: int, lane: int) -> Point:
        column, row = (lane, depth) if goes_down else (depth, lane)
        return column * (WIDE + apart[0]) + 1, row * (HIGH + apart[1]) + 1

    columns, rows = (across, along) if goes_down else (along, across)
    return Layout(
        columns * (WIDE + apart[0]) - apart[0] + 2,
        rows * (HIGH + apart[1]) - apart[1] + 2,
        {name: corner(depth, lanes[name, depth]) for name, depth in depths.items()},
        tuple(_points([corner(depth, lane) for depth, lane in way], goes_down=goes_down) for way in ways),
        goes_down,
    )


def _depths(inputs: Sequence[str], steps: Sequence[Step]) -> dict[str, int]:
    depths = dict.fromkeys(inputs, 0)
    for step in steps:
        depths[step.name] = 1 + max(depths[name] for name in step.takes)
    for name in inputs[1:]:
        # A mask stands right before the step that takes it.
        users = [depths[step.name] for step in steps if name in step.takes]
        depths[name] = min(users, default=1) - 1
    return depths


def _lanes(
    depths: dict[str, int], steps: Sequence[Step]
) -> tuple[dict[tuple[str, int], int], list[list[tuple[int, int]]]]:
    """The lane of each box, and of each arrow that passes a column on its way; and the ways of all arrows."""
    takes = {step.name: step.takes for step in steps}
    reach = {name: max((depths[user] for user, of in takes.items() if name in of), default=0) for name in depths}
    lanes: dict[tuple[str, int], int] = {}
    for depth in range(max(depths.values()) + 1):
        used: set[int] = set()
        passing = [name for name in depths if depths[name] < depth < reach[name]]
        boxes = [name for name in depths if depths[name] == depth]
        wanted = {name: lanes[name, depth - 1] for name in passing}
        wanted |= {name: min((lanes[of, depth - 1] for of in takes.get(name, ())), default=0) for name in boxes}
        # What goes straight on keeps its lane; a mask stands aside.
        for name in sorted(wanted, key=lambda name: (wanted[name], name in passing, name not in takes)):
            lane = next(n for n in range(wanted[name], len(depths) ** 2) if n not in used)
            used.add(lane)
            lanes[name, depth] = lane
    ways = [
        [(depth, lanes[of, depth]) for depth in range(depths[of], depths[name])]
        + [(depths[name], lanes[name, depths[name]])]
        for name, sources in takes.items()
        for of in sources
    ]
    return lanes, ways


def _points(corners: Sequence[Point], *, goes_down: bool) -> tuple[Point, ...]:
    """From the middle of one side to the middle of the other, and straight through each free place between."""
    points: list[Point] = []
    for place, (x, y) in enumerate(corners):
        into = (x + WIDE / 2, y) if goes_down else (x, y + HIGH / 2)
        out = (x + WIDE / 2, y + HIGH) if goes_down else (x + WIDE, y + HIGH / 2)
        points += [into] if place else []
        points += [out] if place < len(corners) - 1 else []
    return tuple(points)
