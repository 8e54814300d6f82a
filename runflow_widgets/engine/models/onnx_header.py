"""What an ONNX file says of its input, read without the rest: of a network of a gigabyte, a few hundred bytes.

OpenCV does not tell for which size a network was made. The file is a protocol buffer, of which only the way to the
first input's shape is followed: model, graph, input, type, tensor, shape, dimension.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_GRAPH: Final = 7
_INPUT: Final = 11
_TYPE: Final = 2
_TENSOR: Final = 1
_SHAPE: Final = 2
_DIMENSION: Final = 1
_VALUE: Final = 1

Part = tuple[int, int]


def input_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a network's first input; None if it takes any, or if this is no ONNX file."""
    if not path.stat().st_size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            sides = _first_shape(data)
        except (IndexError, StopIteration):
            return None
    if len(sides) != 4 or min(sides[2:]) < 1:
        return None
    return sides[3], sides[2]


def _first_shape(data: mmap.mmap) -> list[int]:
    part: Part = (0, len(data))
    for field in (_GRAPH, _INPUT, _TYPE, _TENSOR, _SHAPE):
        part = next(inside for number, inside in _fields(data, part) if number == field)
    shape = [inside for number, inside in _fields(data, part) if number == _DIMENSION]
    return [_value(data, dimension) for dimension in shape]


def _value(data: mmap.mmap, part: Part) -> int:
    """The length of a dimension; 0 if it has only a name."""
    for number, (start, _) in _fields(data, part):
        if number == _VALUE:
            return _varint(data, start)[0]
    return 0


def _fields(data: mmap.mmap, part: Part) -> Iterator[tuple[int, Part]]:
    """The fields of a message: number, and where what it holds begins and ends."""
    at, end = part
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 2:
            length, at = _varint(data, at)
            yield number, (at, at + length)
            at += length
        elif wire == 0:
            after = _varint(data, at)[1]
            yield number, (at, after)
            at = after
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise IndexError("no field of a protocol buffer")


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A number of as many bytes as it takes, seven bits each, and where it ends."""
    value = shift = 0
    while shift < 64:
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
    raise IndexError("no number of a protocol buffer")
