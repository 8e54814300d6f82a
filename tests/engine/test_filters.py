"""Reading `q`: both dialects, and whatever else somebody types."""

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.engine.filters import FilterError, read_filter

COLUMNS = {
    "status_code": "text",
    "client_ref": "text",
    "cost": "number",
    "ok": "bool",
    "created_at": "time",
    "input": "json",
}
ROWS = (
    (1, "succeeded", "it's", "0.14", True, "2026-04-02T10:00:00.000+00:00"),
    (2, "failed", None, "0.00", False, "2026-03-30T10:00:00.000+00:00"),
    (3, "succeeded", "a b", "12", None, "2026-05-01T00:00:00.000+00:00"),
)


@pytest.fixture(scope="module")
def rows():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE runs (id INTEGER, doc TEXT)")
    for number, *values in ROWS:
        document = dict(zip(COLUMNS, values, strict=False))
        connection.execute("INSERT INTO runs VALUES (?, ?)", (number, json.dumps(document)))
    yield connection
    connection.close()


def found(rows, q):
    clause = read_filter(q, COLUMNS)
    return [row[0] for row in rows.execute(f"SELECT id FROM runs WHERE {clause.sql} ORDER BY id", clause.params)]


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("client_ref.EQ:'it''s'", [1]),
        ("client_ref.eq:'a b'", [3]),
        ("client_ref = \"a b\"", [3]),
        (r"client_ref.eq:'it\'s'", [1]),
        ("status_code:succeeded AND created_at>2026-04-01", [1, 3]),
        ("status_code:succeeded and cost>=12", [3]),
        ("status_code.ne:'succeeded'", [2]),
        ("status_code!=succeeded OR cost=12", [2, 3]),
        ("NOT status_code:succeeded", [2]),
        ("not (client_ref.contains:'b')", [1, 2]),
        ("status_code:failed OR status_code:succeeded AND cost<1", [1, 2]),
        ("(status_code:failed OR status_code:succeeded) AND cost<1", [1, 2]),
        ("client_ref:null", [2]),
        ("client_ref.NE:null", [1, 3]),
        ("client_ref:'null'", []),
        ("ok:true", [1]),
        ("ok.eq:'false'", [2]),
        ("created_at<=2026-04-02T12:00:00+02:00", [1, 2]),
        ("cost.gt:'0.13' AND cost.lte:'0.14'", [1]),
        ("status_code:'; DROP TABLE runs; --'", []),
    ],
)  # fmt: skip
def test_a_filter_finds_what_it_says(rows, q, ids):
    assert found(rows, q) == ids


@pytest.mark.parametrize(
    ("q", "position"),
    [
        ("nonsense", 0),
        ("nosuch:1", 0),
        ("input:1", 0),
        ("status_code:", 12),
        ("status_code:a b", 13),
        ("status_code.like:'a'", 0),
        ("cost:cheap", 5),
        ("created_at>yesterday", 11),
        ("ok:maybe", 3),
        ("(status_code:a", 14),
        ("status_code:a)", 13),
        ("status_code:a AND", 17),
        ("status_code:'open", 12),
        ("", 0),
    ],
)
def test_a_filter_that_cannot_be_read_says_where(q, position):
    with pytest.raises(FilterError, match=f"at position {position}"):
        read_filter(q, COLUMNS)


@pytest.mark.parametrize("q", ["(" * 500, "NOT " * 500, " OR ".join(["cost:1"] * 200), "cost:1 " + "x" * 5000])
def test_a_filter_has_an_end(q):
    with pytest.raises(FilterError):
        read_filter(q, COLUMNS)


def test_values_never_become_part_of_the_sql():
    clause = read_filter('client_ref:"\' OR 1=1"', COLUMNS)

    assert "OR 1" not in clause.sql
    assert clause.params == ("' OR 1=1",)


PIECES = [
    "status_code",
    "cost",
    "ok",
    "created_at",
    ".EQ:",
    ".gt:",
    ":",
    ">=",
    "'a'",
    "'",
    "\\",
    "(",
    ")",
    " AND ",
    " NOT ",
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join) | st.text()


@given(q=TEXTS)
def test_any_text_is_either_read_or_refused_and_what_is_read_can_be_run(rows, q):
    try:
        clause = read_filter(q, COLUMNS)
    except FilterError:
        return

    rows.execute(f"SELECT id FROM runs WHERE {clause.sql}", clause.params).fetchall()
