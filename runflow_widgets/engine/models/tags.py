"""Finding price tags, stickers and labels, to have them painted over.

A small network says where (`tag_net`): hysteresis and geometry make finds of what it says, and their outlines are set
on edges of the photo (`tag_shape`). Where it cannot be loaded, rules must do (`tag_rules`), which find half as many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo, Report, part_of, quiet
from .cutout import cut_out, shrink, to_lab
from .inpaint import InpaintOptions, inpaint
from .masks import grown, joined
from .tag_net import BUNDLED, TagMaps, TagNet, load_tag_net
from .tag_rules import Rules, filled, propose
from .tag_shape import STRING_HINT, Find, rim_of, shadow_of, snap, string_of

#: What is nowhere so likely is not looked at.
_GLIMPSE: Final = 0.45
#: A find and the strings at it are looked at with so much round about, in sizes of the find.
_ROOM: Final = 0.3
#: A second look takes in so many times a find's longer side, and this share of the photo's longer side at least.
_VIEW: Final = 3.5
_LEAST_VIEW: Final = 0.35
#: A cut-out this sure is believed where it tells what a tag lies on.
_PLAIN: Final = 0.7
#: The rim of a tag's hole often lies in the tag's shadow, so the fill is drawn towards it less than elsewhere.
_CAUTION: Final = 0.4
#: So near the product's edge, as a share of the longer side, its own edges and shadows are met with.
_EDGE: Final = 0.027


@dataclass(frozen=True, slots=True)
class TagOptions:
    """What counts as a tag.

    Attributes:
        network: The file of the network; without one (None, or no such file) the rules decide alone.
        sure: A find that is so likely, on the mean of its area, is believed at once.
        confirmed: Any other is looked at from nearer by, and must be so likely on the mean of both looks.
        hint: It reaches as far as this likelihood goes.
        least_area: The smallest tag, as a share of the picture.
        most_area: The largest.
        most_tags: At most so many are reported, the best first.
        grow: How far the mask reaches beyond a tag and its shadow, as a share of the picture's longer side; beyond a
            string, four fifths of it. Each pixel of it is a pixel more to be guessed.
        rim: So much farther it reaches where the ground is not yet what it is farther off: soft edges go too.
        rules: What counts for the rules.
    """

    network: Path | None = BUNDLED
    sure: float = 0.75
    confirmed: float = 0.55
    hint: float = 0.4
    least_area: float = 0.0006
    most_area: float = 0.2
    most_tags: int = 12
    grow: float = 0.005
    rim: float = 0.008
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Tag:
    """One find: its box (left, top, width, height) at the photo's size, and how sure it is."""

    box: tuple[int, int, int, int]
    score: float
    has_string: bool


@dataclass(frozen=True, slots=True)
class Located:
    """A tag, and what has to go with it: its mask within a window of the photo (top, left, bottom, right)."""

    tag: Tag
    window: tuple[int, int, int, int]
    part: Mask

    def mark(self, mask: Mask) -> None:
        """Mark it in a mask of the photo's size."""
        top, left, bottom, right = self.window
        mask[top:bottom, left:right] |= self.part


def remove_tags(
    photo: Photo, options: TagOptions | None = None, report: Report = quiet, *, seed: int = 0
) -> tuple[Photo, tuple[Tag, ...]]:
    """The photo without its tags, and what was taken for one; with no finds, the very same pixels."""
    tags, mask = find_tags(photo, options, part_of(report, 0, 0.35))
    if not tags:
        return photo, tags
    depth = depth_in_product(photo, mask, part_of(report, 0.35, 0.5))
    filling = InpaintOptions(seed=seed, caution=_CAUTION)
    return inpaint(photo, mask, filling, part_of(report, 0.5, 1), belonging=depth), tags


def find_tags(photo: Photo, options: TagOptions | None = None, report: Report = quiet) -> tuple[tuple[Tag, ...], Mask]:
    """All tags of a photo, and a mask at the photo's size that covers them with their strings and shadows."""
    mask = np.zeros(photo.shape[:2], np.bool_)
    found = locate_tags(photo, options, report)
    for tag in found:
        tag.mark(mask)
    return tuple(tag.tag for tag in found), mask


def locate_tags(photo: Photo, options: TagOptions | None = None, report: Report = quiet) -> list[Located]:
    """All tags of a photo, the surest first, each with what has to go with it."""
    options = options or TagOptions()
    located = []
    for find in find_shapes(photo, options, report):
        top, left, bottom, right = find.window
        colours = shrink(np.ascontiguousarray(photo[top:bottom, left:right]), max(find.shape.shape))
        part = grown(find.shape | find.shadow, _reach(find, photo, options.grow))
        part |= rim_of(part, find.string, to_lab(colours), _reach(find, photo, options.rim))
        part |= grown(find.string, _reach(find, photo, 0.8 * options.grow))
        located.append(Located(_told(find), find.window, enlarged(part, (bottom - top, right - left))))
    return located


def depth_in_product(photo: Photo, tags: Mask, report: Report = quiet) -> Map | None:
    """How deep in the product (to 1) or beside it (to -1) each place lies, at a small size; None if in doubt.

    What a tag on a product hides is product, and not a piece of the wall behind it.
    """
    found = cut_out(photo, report=report)
    if found.confidence < _PLAIN:
        return None
    product = found.mask.astype(np.uint8)
    size = product.shape[::-1]
    covered = np.asarray(cv2.resize(tags.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)) > 0
    count, labels = cv2.connectedComponents(grown(covered, 3).astype(np.uint8))
    for label in range(1, count):
        here = labels == label
        around = float(product[here & ~covered].mean())
        if min(around, 1 - around) > 0.05:
            return None
        product[here] = around > 0.5
    inwards, outwards = (cv2.distanceTransform(side, cv2.DIST_L2, 5) for side in (product, 1 - product))
    return np.asarray(np.clip((inwards - outwards) / (_EDGE * max(size)), -1, 1), np.float32)


def find_shapes(photo: Photo, options: TagOptions, report: Report = quiet) -> list[Find]:
    """The tags as they are, without what the mask of `find_tags` adds around them, the surest first."""
    report(0.1, "looking for tags")
    net = load_tag_net(options.network) if options.network else None
    finds = _by_network(photo, net, options, report) if net else _by_rules(photo, options, report)
    return sorted(finds, key=lambda find: find.score, reverse=True)[: options.most_tags]


def enlarged(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask at another height and width."""
    soft = cv2.resize(mask.astype(np.uint8) * 255, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft > 110, np.bool_)


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the photo (left, top, width, height), or all of it, and where it shows tags."""

    box: tuple[int, int, int, int]
    tag: Map

    def likelihood(self, find: Find) -> float:
        """The mean within a find's shape; what lies beyond this view counts as no tag."""
        left, top, wide, high = self.box
        across, down = _scales(find)
        to_x, to_y = self.tag.shape[1] / wide, self.tag.shape[0] / high
        away = ((find.window[1] - left) * to_x, (find.window[0] - top) * to_y)
        places = np.array([[across * to_x, 0, away[0]], [0, down * to_y, away[1]]], np.float32)
        size = find.shape.shape[::-1]
        seen = cv2.warpAffine(self.tag, places, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return float(np.asarray(seen)[find.shape].mean())


def _by_network(photo: Photo, net: TagNet, options: TagOptions, report: Report) -> list[Find]:
    maps = net.search(photo)
    whole = _View((0, 0, photo.shape[1], photo.shape[0]), maps.tag)
    report(0.5, "setting outlines on edges")
    finds: list[Find] = []
    waiting: list[tuple[Mask, float, _View | None]] = []
    waiting += [(piece, options.hint, None) for piece in _pieces(maps.tag > options.hint)]
    while waiting:
        here, level, view = waiting.pop()
        likely = np.where(here, maps.tag, 0).astype(np.float32)
        if likely.max() < _GLIMPSE or here.sum() < 0.6 * options.least_area * here.size:
            continue
        find = _snapped(here, likely, maps, photo)
        fits = _is_tag_like(find, photo, options)
        if fits and view is None and options.sure > find.score >= 2 * options.confirmed - 1:
            report(0.6, "looking again from nearer by")
            view = _nearer_by(find, photo, net, whole)
        if fits and _is_believed(find, view, options):
            finds.append(find)
        elif level < 0.8:
            # What runs together with a print beside it may stand alone at a higher level, and lies in the same view.
            waiting += [(piece, level + 0.2, view) for piece in _pieces(here & (maps.tag > level + 0.2))]
    return finds


def _is_believed(find: Find, view: _View | None, options: TagOptions) -> bool:
    """Whether a find is likely enough: at once, or on the mean of both looks."""
    if view is None or find.score >= options.sure:
        return find.score >= options.sure
    return (find.score + view.likelihood(find)) / 2 >= options.confirmed


def _nearer_by(find: Find, photo: Photo, net: TagNet, whole: _View) -> _View:
    """The part of the photo round a find: from nearer by, letters and cloth are better told from paper."""
    left, top, wide, high = _box(find, find.shape)
    high_px, wide_px = photo.shape[:2]
    side = max(_VIEW * max(wide, high), _LEAST_VIEW * max(high_px, wide_px))
    if side >= max(high_px, wide_px):
        return whole
    x, y = (
        round(max(0.0, min(at + length / 2 - side / 2, edge - side)))
        for at, length, edge in ((left, wide, wide_px), (top, high, high_px))
    )
    part = photo[y : y + round(side), x : x + round(side)]
    return _View((x, y, part.shape[1], part.shape[0]), net.look_at(part).tag)


def _pieces(mask: Mask) -> list[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [np.asarray(labels == piece, np.bool_) for piece in range(1, count)]


def _snapped(here: Mask, likely: Map, maps: TagMaps, photo: Photo, room: float = _ROOM) -> Find:
    """The find in a window round it; in a larger one, if its string leads out of that."""
    rows, columns, window = _window(here, maps, photo, room)
    find = snap(photo, window, likely[rows, columns], maps.string[rows, columns])
    if room == _ROOM and _leads_out(find, photo):
        return _snapped(here, likely, maps, photo, 2 * room)
    return find


def _leads_out(find: Find, photo: Photo) -> bool:
    top, left, bottom, right = find.window
    ends = (
        (top > 0, find.string[0]),
        (left > 0, find.string[:, 0]),
        (bottom < photo.shape[0], find.string[-1]),
        (right < photo.shape[1], find.string[:, -1]),
    )
    return any(goes_on and edge.any() for goes_on, edge in ends)


def _window(here: Mask, maps: TagMaps, photo: Photo, room: float) -> tuple[slice, slice, tuple[int, int, int, int]]:
    """Rows and columns of the map round a find and the strings at it, and the same in the photo."""
    strings = joined(maps.string > STRING_HINT, grown(here, 3))
    left, top, wide, high = cv2.boundingRect(here.astype(np.uint8))
    reach = 4 + round(room * max(wide, high))
    left, top, wide, high = cv2.boundingRect((grown(here, reach) | grown(strings, reach)).astype(np.uint8))
    down, across = photo.shape[0] / here.shape[0], photo.shape[1] / here.shape[1]
    window = (round(top * down), round(left * across), round((top + high) * down), round((left + wide) * across))
    return slice(top, top + high), slice(left, left + wide), window


def _is_tag_like(find: Find, photo: Photo, options: TagOptions) -> bool:
    """Whether the outline could be a tag's: neither ragged nor a hair, neither a crumb nor half the picture."""
    outlines, _ = cv2.findContours(find.shape.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return False
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    (_, _), (one, other), _ = cv2.minAreaRect(hull)
    across, down = _scales(find)
    share = float(find.shape.sum()) * across * down / (photo.shape[0] * photo.shape[1])
    solid = float(find.shape.sum()) > 0.7 * cv2.contourArea(hull)
    return solid and max(one, other) < 7 * max(1.0, min(one, other)) and options.least_area < share < options.most_area


def _by_rules(photo: Photo, options: TagOptions, report: Report) -> list[Find]:
    small = shrink(photo, 480)
    lab: Map = to_lab(small)
    proposals = propose(small, options.rules)
    report(0.7, "choosing the tags")
    finds: list[Find] = []
    for proposal in proposals:
        shape = filled(proposal.hull, lab.shape[:2])
        if len(finds) < 6 and not any(_same(shape, other.shape) for other in finds):
            window = (0, 0, *photo.shape[:2])
            string = string_of(shape, lab)
            finds.append(Find(window, shape, string, shadow_of(shape, string, lab), proposal.score))
    return finds


def _told(find: Find) -> Tag:
    left, top, wide, high = (round(edge) for edge in _box(find, find.shape | find.string))
    return Tag((left, top, wide, high), round(find.score, 3), bool(find.string.sum() > 6))


def _box(find: Find, mask: Mask) -> tuple[float, float, float, float]:
    """Left, top, width and height, in the photo, of a mask of a find's window."""
    x, y, wide, high = cv2.boundingRect(mask.astype(np.uint8))
    across, down = _scales(find)
    return find.window[1] + x * across, find.window[0] + y * down, wide * across, high * down


def _scales(find: Find) -> tuple[float, float]:
    """How many pixels of the photo one of the window's own stands for, across and down."""
    top, left, bottom, right = find.window
    return (right - left) / find.shape.shape[1], (bottom - top) / find.shape.shape[0]


def _reach(find: Find, photo: Photo, share: float) -> int:
    return int(max(1, round(share * max(photo.shape[:2]) / _scales(find)[0])))


def _same(one: Mask, other: Mask) -> bool:
    return bool((one & other).sum() > 0.3 * min(one.sum(), other.sum()))
