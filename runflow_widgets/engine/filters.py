"""The `q` of a list: both dialects of the service's filter, read once and made into SQL.

::

    client_ref.EQ:'token'                                      field, dot, operator, colon, value
    status_code:succeeded AND created_at>2026-04-01            = : > < >= <= !=, AND, OR, NOT, parentheses

Only names of the list's own columns become part of the SQL; every value is a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ..wire import read_time, write_time

Kind = Literal["text", "number", "time", "bool", "json"]
Columns = Mapping[str, Kind]

MOST_LENGTH: Final = 2000
MOST_TERMS: Final = 100
_MOST_DEPTH: Final = 30

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))
    |(?P<name>[A-Za-z_]\w*)(?P<operator>\.(?P<word>[A-Za-z]+):|\s*(?P<sign>>=|<=|!=|[=:<>]))?)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_BARE: Final = re.compile(r"\s*([^\s()'\"][^\s()]*)")
_QUOTED: Final = re.compile(r"\s*('(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\")", re.DOTALL)
_SIGNS: Final = {"=": "=", ":": "=", "!=": "!=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}
_WORDS: Final = {
    "eq": "=", "ne": "!=", "neq": "!=", "gt": ">", "lt": "<", "ge": ">=", "gte": ">=", "le": "<=", "lte": "<=",
    "contains": "contains",
}  # fmt: skip


class FilterError(ValueError):
    """A filter that cannot be read; the sentence says where."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition in SQL and its parameters."""

    sql: str
    params: tuple[str | float | None, ...] = ()


def expression(name: str, kind: Kind) -> str:
    """A column of a stored JSON document in SQL, with nulls as SQL knows them."""
    plain = f"json_extract(doc, '$.{name}')"
    return f"CAST({plain} AS REAL)" if kind == "number" else plain


def read_filter(text: str, columns: Columns) -> Clause:
    """Read a filter; raises `FilterError` and nothing else.

    >>> read_filter("slug.EQ:'tags'", {"slug": "text"})
    Clause(sql="json_extract(doc, '$.slug') = ?", params=('tags',))
    """
    if len(text) > MOST_LENGTH:
        raise FilterError(f"The filter has {len(text)} characters; it takes at most {MOST_LENGTH}.")
    return _Reader(text, columns).read()


class _Reader:
    """Recursive descent over one filter: OR binds least, then AND, then NOT."""

    def __init__(self, text: str, columns: Columns) -> None:
        self._text = text
        self._columns = columns
        self._at = 0
        self._terms = 0

    def read(self) -> Clause:
        clause = self._either(0)
        if self._text[self._at :].strip():
            raise self._error("AND, OR or the end")
        return clause

    def _either(self, depth: int) -> Clause:
        clauses = [self._both(depth)]
        while self._keyword("or"):
            clauses.append(self._both(depth))
        return _joined(" OR ", clauses)

    def _both(self, depth: int) -> Clause:
        clauses = [self._single(depth)]
        while self._keyword("and"):
            clauses.append(self._single(depth))
        return _joined(" AND ", clauses)

    def _single(self, depth: int) -> Clause:
        if depth > _MOST_DEPTH:
            raise self._error(f"at most {_MOST_DEPTH} levels of parentheses and NOT")
        if self._keyword("not"):
            inner = self._single(depth + 1)
            # What compares with null is neither true nor false in SQL; here it counts as false, and NOT of it as true.
            return Clause(f"NOT coalesce(({inner.sql}), 0)", inner.params)
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._error("a field")
        if found["open"]:
            self._at = found.end()
            clause = self._either(depth + 1)
            found = _TOKEN.match(self._text, self._at)
            if found is None or not found["close"]:
                raise self._error("a closing parenthesis")
            self._at = found.end()
            return clause
        if found["name"] and found["operator"]:
            return self._comparison(found)
        raise self._error("a comparison such as status_code:succeeded or client_ref.EQ:'…'")

    def _comparison(self, found: re.Match[str]) -> Clause:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise self._error(f"at most {MOST_TERMS} comparisons")
        name = found["name"]
        kind = self._columns.get(name)
        if kind is None or kind == "json":
            fields = ", ".join(sorted(column for column, of in self._columns.items() if of != "json"))
            raise self._error(f"one of the fields {fields}")
        operator = _SIGNS[found["sign"]] if found["sign"] else _WORDS.get(found["word"].lower())
        if operator is None:
            raise self._error(f"an operator among {', '.join(_WORDS)}")
        self._at = found.end()
        return self._compare(name, kind, operator)

    def _compare(self, name: str, kind: Kind, operator: str) -> Clause:
        column = expression(name, kind)
        start = self._at
        text, quoted = self._value()
        if text.lower() == "null" and not quoted and operator in ("=", "!="):
            return Clause(f"{column} IS {'NOT ' if operator == '!=' else ''}NULL")
        value = _converted(text, kind)
        if value is None:
            self._at = start
            raise self._error({"number": "a number", "time": "a time such as 2026-04-01"}.get(kind, "true or false"))
        if operator == "contains":
            return Clause(f"instr({column}, ?) > 0", (value,))
        if operator == "!=":
            return Clause(f"{column} IS NOT ?", (value,))
        return Clause(f"{column} {operator} ?", (value,))

    def _value(self) -> tuple[str, bool]:
        if quoted := _QUOTED.match(self._text, self._at):
            self._at = quoted.end()
            mark, inner = quoted[1][0], quoted[1][1:-1]
            return re.sub(r"\\(.)", r"\1", inner.replace(mark * 2, mark), flags=re.DOTALL), True
        if bare := _BARE.match(self._text, self._at):
            self._at = bare.end()
            return bare[1], False
        raise self._error("a value")

    def _keyword(self, word: str) -> bool:
        found = re.compile(rf"\s*{word}\b", re.IGNORECASE).match(self._text, self._at)
        # A field may be called like a keyword; then an operator follows.
        if found is None or re.match(r"[.:=<>!]", self._text[found.end() : found.end() + 1]):
            return False
        self._at = found.end()
        return True

    def _error(self, wanted: str) -> FilterError:
        rest = self._text[self._at :].strip()
        there = f"{rest[:20]!r}" if rest else "the end"
        return FilterError(f"The filter cannot be read at position {self._at}: expected {wanted}, found {there}.")


def _joined(word: str, clauses: list[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    return Clause(
        word.join(f"({clause.sql})" for clause in clauses),
        tuple(param for clause in clauses for param in clause.params),
    )


def _converted(text: str, kind: Kind) -> str | float | None:
    if kind == "number":
        return float(text) if re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", text, re.ASCII) else None
    if kind == "bool":
        return {"true": 1, "1": 1, "false": 0, "0": 0}.get(text.lower())
    if kind == "time":
        moment = read_time(text)
        try:
            return None if moment is None else write_time(moment)
        except (OverflowError, ValueError):
            return None
    return text
