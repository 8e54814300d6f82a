"""How models look as text and as HTML; colours are inherited, so that dark themes stay readable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from ..wire import tame
from .field import Field, one_of

_HEADS = ("model", "price", "takes", "gives", "runs here", "inputs known")
_RULE = "1px solid var(--jp-border-color2, currentColor)"
_CELL = f"text-align:left;vertical-align:top;padding:2px 12px 2px 0;color:inherit;border-bottom:{_RULE}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is shown of one model."""

    id: str
    name: str
    purpose: str
    facts: tuple[str, ...]
    completeness: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    example: Mapping[str, Any]
    notes: tuple[str, ...]
    row: tuple[str, ...]


def table_text(sheets: Sequence[Sheet]) -> str:
    """Models in aligned columns."""
    return _aligned([_HEADS, *(sheet.row for sheet in sheets)]) + f"\n{_count(sheets)}"


def table_html(sheets: Sequence[Sheet]) -> str:
    """Models as a table; their purpose shows under the pointer."""
    rows = (
        [f'<span title="{escape(sheet.purpose)}">{escape(sheet.row[0])}</span>', *map(escape, sheet.row[1:])]
        for sheet in sheets
    )
    return f"{_table(_HEADS, rows)}<p style='opacity:.75'>{escape(_count(sheets))}</p>"


def sheet_text(sheet: Sheet) -> str:
    """A model with its fields, price and an example."""
    inputs = _aligned([(f"  {e.name}", _type(e), _need(e), _about(e)) for e in _flat(sheet.inputs)])
    outputs = _aligned([(f"  {e.name}", e.type_code, e.description) for e in sheet.outputs])
    return "\n".join(
        [
            f"{sheet.id}: {sheet.purpose or sheet.name}".rstrip(": "),
            f"  {' · '.join(sheet.facts)}",
            f"inputs ({sheet.completeness})",
            inputs or "  none are known",
            "outputs",
            outputs or "  none are known",
            "example",
            f"  {tame(json.dumps(sheet.example, ensure_ascii=False, default=str))}",
            *(f"note: {note}" for note in sheet.notes),
        ]
    )


def sheet_html(sheet: Sheet) -> str:
    """A model with its fields, price and an example, as HTML."""
    inputs = (
        [f"<code>{escape(e.name)}</code>", *map(escape, (_type(e), _need(e), _about(e)))] for e in _flat(sheet.inputs)
    )
    outputs = ([f"<code>{escape(e.name)}</code>", *map(escape, (e.type_code, e.description))] for e in sheet.outputs)
    example = tame(json.dumps(sheet.example, indent=2, ensure_ascii=False, default=str))
    notes = "".join(f"<p style='opacity:.75'>{escape(note)}</p>" for note in sheet.notes)
    return (
        "<div style='color:inherit;overflow-wrap:anywhere'>"
        f"<strong>{escape(sheet.name or sheet.id)}</strong> <code>{escape(sheet.id)}</code>"
        f"<p>{escape(sheet.purpose)}</p><p>{escape(' · '.join(sheet.facts))}</p>"
        f"{_table(('input', 'type', '', escape(sheet.completeness)), inputs)}"
        f"{_table(('output', 'type', ''), outputs)}"
        "<details><summary>Example</summary>"
        f"<pre style='white-space:pre-wrap'>{escape(example)}</pre></details>{notes}</div>"
    )


def _count(sheets: Sequence[Sheet]) -> str:
    return "1 model" if len(sheets) == 1 else f"{len(sheets)} models"


def _flat(fields: Iterable[Field], prefix: str = "") -> Iterable[Field]:
    for entry in fields:
        yield replace(entry, name=prefix + entry.name)
        yield from _flat(entry.fields, f"{prefix}{entry.name}.")


def _type(entry: Field) -> str:
    return f"{entry.type_code} or size" if entry.kind == "size" else entry.type_code


def _need(entry: Field) -> str:
    need = {True: "required", False: "optional", None: ""}[entry.required]
    return ", ".join(word for word in (need, "deprecated" if entry.deprecated else "") if word)


def _about(entry: Field) -> str:
    parts = [entry.description]
    if entry.allowed:
        parts.append(f"One of {one_of(entry.allowed)}.")
    if entry.suggested:
        parts.append(f"Such as {one_of(entry.suggested)}.")
    least, most = entry.minimum, entry.maximum
    if least is not None or most is not None:
        parts.append(f"{'' if least is None else least}..{'' if most is None else most}")
    if entry.default is not None:
        parts.append(f"Default: {entry.default!r}.")
    return " ".join(part for part in parts if part)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th style='{_CELL}'>{name}</th>" for name in heads)
    lines = ("".join(f"<td style='{_CELL}'>{cell}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    style = "border-collapse:collapse;color:inherit;background:none"
    return f"<table style='{style}'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
