"""Lists of JSON documents: filtered, sorted, cut into pages and projected, by SQLite and in one place."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..wire import Json
from .filters import Clause, Columns, FilterError, Kind, expression, read_filter
from .refusal import one_invalid

DEFAULT_LIMIT: Final = 50
MOST_ITEMS: Final = 500
_START: Final = "start"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a list's documents come from: a table or a query that has an `id` and a `doc` for each."""

    sql: str
    columns: Columns
    params: tuple[Any, ...] = ()
    order: tuple[tuple[str, str], ...] = (("created_at", "desc"),)


def source_of(documents: Sequence[Json], columns: Columns, order: tuple[tuple[str, str], ...]) -> Source:
    """A list that is not in the database, given to SQLite as it is."""
    sql = "(SELECT json_extract(value, '$.id') AS id, value AS doc FROM json_each(?))"
    return Source(sql, columns, (json.dumps(documents),), order)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list was asked for; all lists take the same."""

    where: Clause | None
    limit: int
    order: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    cursor: tuple[Any, ...] | None
    from_prev: bool

    @classmethod
    def read(cls, params: Mapping[str, str], source: Source) -> ListQuery:
        """Read the query's parameters; raises a 422 that names the wrong one."""
        order = _read_order(params.get("sort_by", ""), source)
        return cls(
            where=_read_where(params.get("q", ""), source.columns),
            limit=_read_limit(params.get("limit", "")),
            order=order,
            fields=_read_fields(params.get("fields", ""), source.columns),
            cursor=_read_cursor(params.get("pq", ""), len(order)),
            from_prev=read_flag(params, "from_prev"),
        )


def list_answer(
    connection: sqlite3.Connection,
    source: Source,
    params: Mapping[str, str],
    present: Callable[[Json], Json],
) -> Json:
    """The answer of a list endpoint: `items` and the cursors around them."""
    query = ListQuery.read(params, source)
    rows = _select(connection, source, query)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if query.from_prev:
        rows.reverse()
    has_next, has_previous = (bool(rows), more) if query.from_prev else (more, query.cursor is not None and bool(rows))
    items = [present(json.loads(row[0])) for row in rows]
    if query.fields:
        items = [{name: item.get(name) for name in query.fields} for item in items]
    return {
        "items": items,
        "first": _write_cursor([_START]) if rows else None,
        "next": _write_cursor(rows[-1][1:]) if has_next else None,
        "previous": _write_cursor(rows[0][1:]) if has_previous else None,
    }


def _select(connection: sqlite3.Connection, source: Source, query: ListQuery) -> list[Any]:
    order = [(_sortable(name, source.columns[name]), way) for name, way in query.order]
    # The id makes every order a total one, so that no page repeats or drops an item.
    order.append(("id", order[0][1] if order else "asc"))
    if query.from_prev:
        order = [(column, "asc" if way == "desc" else "desc") for column, way in order]
    conditions, params = ["1"], [*source.params]
    if query.where is not None:
        conditions.append(query.where.sql)
        params += query.where.params
    if query.cursor is not None:
        sql, values = _beyond(order, query.cursor)
        conditions.append(sql)
        params += values
    columns = ", ".join(["doc", *(column for column, _ in order)])
    # Columns, operators and directions are our own words; all that came from outside is a parameter.
    sql = (
        f"SELECT {columns} FROM {source.sql} WHERE {' AND '.join(f'({c})' for c in conditions)}"  # noqa: S608
        f" ORDER BY {', '.join(f'{column} {way}' for column, way in order)} LIMIT {query.limit + 1}"
    )
    return connection.execute(sql, params).fetchall()


def _beyond(order: Sequence[tuple[str, str]], cursor: Sequence[Any]) -> tuple[str, list[Any]]:
    alternatives: list[str] = []
    values: list[Any] = []
    for place, (column, way) in enumerate(order):
        equal = [f"{earlier} = ?" for earlier, _ in order[:place]]
        alternatives.append(" AND ".join([*equal, f"{column} {'>' if way == 'asc' else '<'} ?"]))
        values += cursor[: place + 1]
    return " OR ".join(f"({alternative})" for alternative in alternatives), values


def _sortable(name: str, kind: Kind) -> str:
    # Nulls would fall out of the comparisons that a cursor makes.
    return f"ifnull({expression(name, kind)}, {'-1e308' if kind == 'number' else repr('')})"


def _read_where(text: str, columns: Columns) -> Clause | None:
    if not text.strip():
        return None
    try:
        return read_filter(text, columns)
    except FilterError as error:
        raise one_invalid(["query", "q"], str(error)) from None


def _read_limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MOST_ITEMS:
        raise one_invalid(
            ["query", "limit"], f"limit is {text[:20]!r}; it takes a whole number from 1 to {MOST_ITEMS}."
        )
    return int(text)


def _read_order(text: str, source: Source) -> tuple[tuple[str, str], ...]:
    order = []
    for term in filter(None, (part.strip() for part in text.split(","))):
        name, _, way = term.partition(":")
        if source.columns.get(name, "json") == "json" or way.lower() not in ("", "asc", "desc"):
            raise one_invalid(
                ["query", "sort_by"], f"sort_by has {term[:40]!r}; it takes a field with :asc or :desc behind it."
            )
        order.append((name, way.lower() or "asc"))
    if len(order) > 8:
        raise one_invalid(["query", "sort_by"], f"sort_by names {len(order)} fields; it takes at most 8.")
    return tuple(order) or source.order


def _read_fields(text: str, columns: Columns) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    unknown = next((name for name in names if name not in columns), None)
    if unknown is not None:
        raise one_invalid(
            ["query", "fields"], f"fields has {unknown[:40]!r}; the list knows {', '.join(sorted(columns))}."
        )
    return names


def read_flag(params: Mapping[str, str], name: str) -> bool:
    """A boolean of the query."""
    text = params.get(name, "").lower()
    if text not in ("", "true", "false", "1", "0"):
        raise one_invalid(["query", name], f"{name} is {text[:20]!r}; it takes true or false.")
    return text in ("true", "1")


def _write_cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([*values]).encode()).decode().rstrip("=")


def _read_cursor(text: str, terms: int) -> tuple[Any, ...] | None:
    if not text:
        return None
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if values == [_START]:
        return None
    good = isinstance(values, list) and len(values) == terms + 1
    if not good or not all(map(_may_be_bound, values)):
        raise one_invalid(
            ["query", "pq"], "pq is not a cursor of this list; take `next` or `previous` from its answer."
        )
    return tuple(values)


def _may_be_bound(value: object) -> bool:
    # SQLite keeps whole numbers in eight bytes and text in UTF-8, which has no halves of surrogate pairs.
    if isinstance(value, str):
        return not any("\ud800" <= sign <= "\udfff" for sign in value)
    return isinstance(value, int | float) and abs(value) < 2**62
