"""A recipe as a small diagram: inline SVG that takes the colours of the page, light or dark."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from .layout import HIGH, WIDE, Layout, Point, laid_out
from .step import Step
from .told import facts, price_of, price_words, told

_STYLE: Final = (
    "--rfw-good:var(--jp-success-color1,#2e7d32);--rfw-bad:var(--jp-error-color1,#c62828);"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);color:inherit;display:block;height:auto;width:100%;"
)
_ROOM: Final = 12
#: How high the round box of an input is.
_PILL: Final = 34
_NAME_PX, _SMALL_PX = 13.0, 11.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come: how many pictures there are, and how many are done, failed, or were not sent."""

    total: int
    done: int = 0
    failed: int = 0
    not_sent: int = 0


def drawn(
    name: str, inputs: Sequence[str], steps: Sequence[Step], progress: Mapping[str, Progress] | None = None
) -> str:
    """The diagram as HTML; whatever a name or an input says is text in it."""
    layout = laid_out(inputs, steps)
    parts = [_arrow(way, layout) for way in layout.arrows]
    parts += [_input(source, layout) for source in inputs]
    parts += [_box(step, layout.boxes[step.name], (progress or {}).get(step.name)) for step in steps]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_text(told(name, inputs, steps))}" '
        f'viewBox="0 0 {layout.width} {layout.height}" '
        f'style="{_STYLE}max-width:{layout.width}px" fill="currentColor">{"".join(parts)}</svg>'
    )


def _text(text: str) -> str:
    # Signs that XML does not know would end the picture.
    return escape("".join(sign if sign.isprintable() else " " for sign in text))


def _input(name: str, layout: Layout) -> str:
    x, y = layout.boxes[name]
    # Low enough for its arrow to begin at its edge.
    top = y + (HIGH - _PILL if layout.goes_down else (HIGH - _PILL) / 2)
    return (
        f"<g><title>{_text(name)}: what is given</title>{_frame(x, top, _PILL, round_px=_PILL / 2, dashed=True)}"
        f"{_words(x + WIDE / 2, top + _PILL / 2 + 4.5, name, _NAME_PX, anchor='middle')}</g>"
    )


def _box(step: Step, corner: Point, progress: Progress | None) -> str:
    x, y = corner
    title = _text(f"{step.name}: {', '.join(facts(step))}")
    parts = [
        _frame(x, y, HIGH, round_px=6),
        _words(x + _ROOM, y + 20, step.name, _NAME_PX, bold=True),
        _words(x + _ROOM, y + 36, step.model.partition("/")[2], _SMALL_PX, quiet=True),
        _chip(x + _ROOM, y + 43, price_words(price_of(step))) if progress is None else _progress(x, y, progress),
    ]
    return f"<g><title>{title}</title>{''.join(parts)}</g>"


def _frame(x: float, y: float, high: float, *, round_px: float, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{high:g}" rx="{round_px:g}" fill-opacity="0.05" '
        f'stroke="currentColor" stroke-opacity="0.4"{dashes}/>'
    )


def _chip(x: float, y: float, words: str) -> str:
    shown = _fitting(words, WIDE - 2 * _ROOM - 12, _SMALL_PX)
    wide = _width(shown, _SMALL_PX) + 12
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{wide:.1f}" height="17" rx="8.5" fill-opacity="0.12"/>'
        f"{_words(x + 6, y + 12.5, shown, _SMALL_PX)}"
    )


def _progress(x: float, y: float, progress: Progress) -> str:
    """How many are done, in figures, and as a bar along the lower edge: what failed stands out by its pattern too."""
    less = {"failed": progress.failed, "not sent": progress.not_sent}
    what = "".join(f", {count:,} {word}" for word, count in less.items() if count)
    over = f"{progress.done:,}/{progress.total:,}{what}"
    room = WIDE - 2 * _ROOM
    good, bad = (room * count / max(1, progress.total) for count in (progress.done, progress.failed))
    line = _bar(x + _ROOM, y, room, "currentColor", 'stroke-opacity="0.2"')
    line += _bar(x + _ROOM, y, good, "var(--rfw-good)") if good else ""
    line += _bar(x + _ROOM + good, y, bad, "var(--rfw-bad)", 'stroke-dasharray="4 2"') if bad else ""
    return line + _words(x + _ROOM, y + 54, over, _SMALL_PX)


def _bar(x: float, y: float, length: float, colour: str, more: str = "") -> str:
    return f'<path d="M{x:.1f} {y + HIGH - 2:g}h{length:.1f}" stroke="{colour}" stroke-width="3" {more}/>'


def _words(
    x: float, y: float, text: str, size_px: float, *, bold: bool = False, quiet: bool = False, anchor: str = "start"
) -> str:
    shown = _fitting(text, WIDE - 2 * _ROOM, size_px)
    weight = ' font-weight="600"' if bold else ""
    faint = ' fill-opacity="0.7"' if quiet else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size_px:g}" text-anchor="{anchor}"{weight}{faint}>{_text(shown)}</text>'
    )


def _width(text: str, size_px: float) -> float:
    """About how wide a text is: nobody measures letters where there is no page."""
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.56 for sign in text) * size_px


def _fitting(text: str, room: float, size_px: float) -> str:
    if _width(text, size_px) <= room:
        return text
    while text and _width(f"{text}…", size_px) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _arrow(way: Sequence[Point], layout: Layout) -> str:
    """A curve from box to box, straight where it passes others, with a head that needs no name of its own."""
    (x, y), *further = way
    path = f"M{x:g} {y:g}"
    for number, (to_x, to_y) in enumerate(further):
        if number % 2:
            path += f"L{to_x:g} {to_y:g}"
        elif layout.goes_down:
            middle = (y + to_y) / 2
            path += f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
        else:
            middle = (x + to_x) / 2
            path += f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"
        x, y = to_x, to_y
    head = (
        f"M{x - 4:g} {y - 7:g}L{x:g} {y:g}L{x + 4:g} {y - 7:g}"
        if layout.goes_down
        else (f"M{x - 7:g} {y - 4:g}L{x:g} {y:g}L{x - 7:g} {y + 4:g}")
    )
    return f'<path d="{path}{head}" fill="none" stroke="currentColor" stroke-opacity="0.55" stroke-width="1.4"/>'
