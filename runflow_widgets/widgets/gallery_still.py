"""The gallery as plain HTML, for a saved notebook and for pages without widgets."""

from __future__ import annotations

import base64
import html
import time
from pathlib import Path
from typing import Final

from ..errors import RunflowError
from .gallery_list import GalleryList
from .gallery_words import cost_of, picture_of, state_of, took_of, when_of

_MOST: Final = 12
#: Showing a gallery must not wait for a dozen large files to be opened; what is not ready by then has no picture.
_PATIENCE_S: Final = 1.5


def still_html(listed: GalleryList, count: int, totals: str) -> str:
    """A table of the newest runs that fit, with small pictures inside it."""
    entries = listed.ledger.entries(listed.keys[:_MOST])
    until = time.monotonic() + _PATIENCE_S
    rows = []
    for entry in entries:
        cells = (when_of(entry), entry.model, state_of(entry), took_of(entry), cost_of(entry))
        told = "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in cells)
        rows.append(f"<tr><td>{_picture(listed, picture_of(entry), until)}</td>{told}</tr>")
    heading = "".join(
        f'<th style="text-align:left">{name}</th>' for name in ("", "when", "model", "state", "took", "cost")
    )
    more = f"<p>The newest {len(entries)} of {count} runs. {html.escape(totals)}</p>"
    if not rows:
        return f"<p>No runs to show. {html.escape(totals)}</p>"
    return f"<table><thead><tr>{heading}</tr></thead><tbody>{''.join(rows)}</tbody></table>{more}"


def _picture(listed: GalleryList, path: Path | None, until: float) -> str:
    if path is None:
        return ""
    data = listed.thumbnails.kept(path)
    if data is None and time.monotonic() < until:
        try:
            data = listed.thumbnails.make(path)
        except RunflowError:
            return ""
    if data is None:
        return ""
    uri = base64.b64encode(data).decode("ascii")
    return f'<img alt="result" style="max-width:96px;max-height:96px" src="data:image/webp;base64,{uri}">'
