"""The record as `rf.runs` gives it: filters, stars, sums, and files that are deleted while the run stays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.errors import InputError, OutputError
from runflow_widgets.ledger import Entry, Ledger, home
from runflow_widgets.thumbnails import Thumbnails

MODEL = "bria/background/remove"


@pytest.fixture
def ledger():
    ledger = Ledger()
    yield ledger
    ledger.close()


def put(ledger, key, *, day=1, service="https://s", status="succeeded", **more):
    created = datetime(2026, 3, day, 12, tzinfo=UTC)
    ledger.add(Entry(key, more.pop("model", "m/one"), service, status, created_at=created, **more))


def brought_home(ledger, key, *names, **more):
    """A run with pictures where runs put them."""
    folder = home() / "outputs" / "2026-03-01" / f"m-one-{key}"
    folder.mkdir(parents=True)
    paths = [folder / name for name in names]
    for path in paths:
        Image.new("RGB", (8, 8), "red").save(path)
    (folder / "run.json").write_text("{}")
    put(ledger, key, files=tuple(map(str, paths)), **more)
    return paths


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"since": "2026-03-02"}, ["c", "b"]),
        ({"until": "2026-03-02"}, ["b", "a"]),
        ({"until": date(2026, 3, 1)}, ["a"]),
        ({"until": datetime(2026, 3, 2, 12, tzinfo=UTC)}, ["a"]),
        ({"least_usd": 0.2}, ["b"]),
        ({"most_usd": "0.14"}, ["a"]),
        ({"starred": True}, ["c"]),
        ({"status": ["failed", "succeeded"]}, ["b", "a"]),
        ({"text": "blue"}, ["b"]),
    ],
)
def test_runs_are_asked_for_by_day_cost_star_state_and_words(ledger, filters, keys):
    put(ledger, "a", day=1, cost=Decimal("0.14"))
    put(ledger, "b", day=2, cost=Decimal("0.20"), inputs={"prompt": "a blue shirt"})
    put(ledger, "c", day=3, status="running", starred=True)

    assert [entry.key for entry in rf.runs(**filters)] == keys


@pytest.mark.parametrize("filters", [{"until": "soon"}, {"since": "12"}, {"least_usd": "much"}])
def test_what_is_no_day_and_no_amount_is_named(filters):
    with pytest.raises(InputError) as refusal:
        rf.runs(**filters)

    assert refusal.value.field == next(iter(filters))


def test_a_star_is_given_seen_and_taken_away(ledger):
    put(ledger, "a", id="r-1")

    rf.runs.star("r-1")

    assert rf.runs(starred=True)[0].key == "a"
    assert "★ m/one" in repr(rf.runs())
    rf.runs.star("a", starred=False)
    assert len(rf.runs(starred=True)) == 0
    with pytest.raises(InputError, match="No run 'b' is on record"):
        rf.runs.star("b")


def test_spending_is_summed_by_day_month_and_model_with_the_expected_apart(ledger):
    put(ledger, "a", day=1, cost=Decimal("0.14"), expected_usd=Decimal("0.50"))
    put(ledger, "b", day=1, cost=Decimal("0.20"), model="m/two")
    put(ledger, "c", day=2, status="running", expected_usd=Decimal("0.30"))
    put(ledger, "d", day=2, status="failed", expected_usd=Decimal("9"))
    put(ledger, "e", day=2, service="embedded", cost=Decimal("9"))

    days, models = rf.runs.spent(), rf.runs.spent("model", until="2026-03-01")

    assert [(line.name, line.runs, line.billed_usd, line.expected_usd) for line in days] == [
        ("2026-03-02", 1, Decimal(0), Decimal("0.30")),
        ("2026-03-01", 2, Decimal("0.34"), Decimal(0)),
    ]
    assert (days.billed_usd, days.expected_usd) == (Decimal("0.34"), Decimal("0.30"))
    assert [(line.name, line.billed_usd) for line in models] == [("m/two", Decimal("0.20")), ("m/one", Decimal("0.14"))]
    assert repr(rf.runs.spent("month")).splitlines()[1].split() == ["2026-03", "3", "$0.34", "$0.30"]
    assert "<th" in days._repr_html_()
    with pytest.raises(InputError, match="'day', 'month' or 'model'"):
        rf.runs.spent("week")


def test_deleted_files_are_gone_and_the_run_and_its_cost_stay(ledger):
    paths = brought_home(ledger, "a", "01.png", "02.png", cost=Decimal("0.14"))
    small = Thumbnails()
    small.make(paths[0])

    rf.runs.delete_files("a")

    entry = rf.runs()[0]
    assert not any(path.exists() for path in paths)
    assert not paths[0].parent.exists()
    assert list(small.folder.glob("*.webp")) == []
    assert (entry.cost, len(entry.files), entry.is_open) == (Decimal("0.14"), 2, False)
    assert "deleted" in repr(rf.runs())
    assert rf.runs.spent().billed_usd == Decimal("0.14")
    with pytest.raises(InputError, match="deleted before"):
        rf.runs.delete_files("a")
    with pytest.raises(OutputError, match="its files were deleted from this machine"):
        rf.runs.get("a").image  # noqa: B018


def test_the_users_own_files_are_never_deleted(ledger, tmp_path):
    (path,) = brought_home(ledger, "a", "01.png")
    mine = path.parent / "notes.txt"
    mine.write_text("keep this")
    own = tmp_path / "own.png"
    own.write_bytes(b"mine")
    sneaking = home() / "outputs" / ".." / ".." / "own.png"
    put(ledger, "b", files=(str(own), str(sneaking)))

    rf.runs.delete_files("a")
    with pytest.raises(InputError, match="no files of ours"):
        rf.runs.delete_files("b")

    assert mine.read_text() == "keep this"
    assert (path.parent / "run.json").exists()
    assert own.exists()


def test_a_link_in_our_folder_is_deleted_and_not_where_it_leads(ledger, tmp_path):
    (path,) = brought_home(ledger, "a", "01.png")
    own = tmp_path / "own.png"
    path.rename(own)
    path.symlink_to(own)

    rf.runs.delete_files("a")

    assert not path.is_symlink()
    assert own.exists()


def test_an_open_run_of_another_service_is_looked_at_and_not_written_off(ledger):
    put(ledger, "paid", status="running", id="r-9", service="https://elsewhere")
    session = rf.connect(embedded=True)

    run = rf.runs.get("paid", session=session)

    assert run.done
    assert ledger.get("paid").status == "running"
    session.close()


def test_small_pictures_are_made_once_renewed_and_bounded(tmp_path):
    small = Thumbnails(tmp_path / "thumbs", most=3)
    pictures = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(pictures):
        Image.new("RGBA", (900, 300), (40 * number, 0, 0, 255)).save(path)

    made = [small.make(path) for path in pictures]
    Thumbnails(small.folder, most=3).make(_another(pictures[0]))

    assert len(set(made)) == 5
    assert len(list(small.folder.glob("*.webp"))) == 3
    assert small.kept(pictures[1]) is None
    assert small.make(pictures[0]) != made[0]
    assert not list(small.folder.glob("*.part"))


def _another(path: Path) -> Path:
    Image.new("RGB", (300, 900), "blue").save(path)
    return path
