"""Finding what a box was drawn round.

GrabCut started from the box alone fails in its own way on every fifth photo. Started from several guesses, it fails
differently each time; so the outlines vote. Who draws a box draws it tight, so an outline that leaves much of the
box's width or height empty has little to say.
"""

from __future__ import annotations

import numpy as np

from .closeup import Closeup, Map, Mask
from .outline import large_pieces, likeness, pieces_at, settle
from .patch import Box, extent


def outline_in(view: Closeup, frame: Box) -> Mask:
    """What fills the frame, as a mask of the view; empty if nothing differs from what is around."""
    inside = np.zeros(view.lab.shape[:2], np.bool_)
    inside[frame.slices] = True
    votes, weights = np.zeros(inside.shape, np.float32), 1e-6
    for likely, sure in _guesses(view, frame, inside):
        found = _kept(settle(view, likely, inside, sure=sure, rounds=2), view)
        # A click on what does not belong says that the box is not tight.
        weight = 1.0 if view.clicks.no else _tightness(found, frame) ** 4
        votes += weight * found
        weights += weight
    return _kept(np.asarray(votes > 0.5 * weights, np.bool_), view)


def _guesses(view: Closeup, frame: Box, inside: Mask) -> list[tuple[Mask, Mask | None]]:
    """First guesses, each with what is sure in it: the middle, the colours of the middle, and both together."""
    radius = _squared_radius(view, frame)
    middle = np.exp(-radius)
    outside = np.asarray(~inside, np.float32)
    alike = likeness(view.lab, np.asarray(inside * middle, np.float32), outside) if outside.sum() > 20 else middle
    both = alike * np.exp(-0.7 * radius) > 0.35
    # What was clicked on is known better than what lies in the middle.
    sure = None if view.clicks.yes else np.asarray((radius < 0.05) & (alike > 0.4), np.bool_)
    return [
        (np.asarray(radius < 0.6), None),
        (np.asarray(alike > 0.5), None),
        (np.asarray(both), sure),
    ]


def _squared_radius(view: Closeup, frame: Box) -> Map:
    """0 in the frame's middle, 1 on the ellipse that touches its sides."""
    width, height = view.size
    across = (np.arange(width) + 0.5 - (frame.left + frame.right) / 2) / max(frame.width / 2, 0.5)
    down = (np.arange(height) + 0.5 - (frame.top + frame.bottom) / 2) / max(frame.height / 2, 0.5)
    return np.asarray(down[:, None] ** 2 + across**2, np.float32)


def _tightness(mask: Mask, frame: Box) -> float:
    """How much of the frame's width or height, whichever is less, the mask spans."""
    found = extent(mask)
    return min(found.width / frame.width, found.height / frame.height) if found else 0.0


def _kept(mask: Mask, view: Closeup) -> Mask:
    """The pieces that were clicked on; without a click the large ones."""
    return pieces_at(mask, view.clicks.yes) if view.clicks.yes else large_pieces(mask)
