from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runflow_widgets.ledger import _COLUMNS, Entry, Ledger, home, start_of, watch_records

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


def entry(key="k-1", **more):
    return Entry(
        key=key, model=more.pop("model", "runflow/tag-removal"), service=more.pop("service", "https://s"), **more
    )


def test_one_variable_moves_everything(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNFLOW_HOME", str(tmp_path / "elsewhere"))

    assert home() == tmp_path / "elsewhere"
    assert Ledger().path.parent == tmp_path / "elsewhere"


def test_a_run_is_on_record_before_it_has_an_id(ledger):
    ledger.add(entry(inputs={"image_url": "file:a.png#sha256=1"}, expected_usd=Decimal("0.14"), price="$0.14"))

    found = ledger.get("k-1")

    assert (found.status, found.id, found.expected_usd) == ("unsent", None, Decimal("0.14"))
    assert found.inputs == {"image_url": "file:a.png#sha256=1"}
    assert found.is_open


def test_what_becomes_known_is_written_down(ledger):
    ledger.add(entry())
    ended = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)

    ledger.update("k-1", id="r-1", status="succeeded", cost=Decimal("0.14"), files=("/a/1.png",), completed_at=ended)

    found = ledger.get("r-1")
    assert (found.key, found.cost, found.files, found.completed_at) == ("k-1", Decimal("0.14"), ("/a/1.png",), ended)
    assert not found.is_open


def test_a_column_that_does_not_exist_is_a_mistake(ledger):
    with pytest.raises(TypeError, match="no column colour"):
        ledger.update("k-1", colour="red")


def test_a_success_without_its_files_is_still_open(ledger):
    ledger.add(entry(status="succeeded", id="r"))

    assert [found.key for found in ledger.find(open_only=True)] == ["k-1"]


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({}, ["c", "b", "a"]),
        ({"model": "tag"}, ["b", "a"]),
        ({"status": "failed"}, ["b"]),
        ({"service": "embedded"}, ["c"]),
        ({"text": "red SHIRT"}, ["a"]),
        ({"text": "r-2"}, ["b"]),
        ({"open_only": True}, ["a"]),
        ({"limit": 1}, ["c"]),
        ({"since": LONG_AGO + timedelta(hours=1)}, ["c", "b"]),
        ({"model": "%"}, []),
        ({"text": "BACKGROUND/remove"}, ["c"]),
        ({"text": "übergröße"}, ["b"]),
        ({"status": ("failed", "unsent")}, ["b", "a"]),
        ({"until": LONG_AGO + timedelta(hours=1)}, ["a"]),
        ({"least_usd": Decimal("0.14")}, ["b"]),
        ({"most_usd": Decimal("0.14")}, ["c", "b"]),
        ({"starred": True}, ["b"]),
        ({"starred": False}, ["c", "a"]),
    ],
)
def test_runs_are_found_by_what_is_known_of_them(ledger, filters, keys):
    ledger.add(entry("a", inputs={"prompt": "a red shirt"}, created_at=LONG_AGO))
    ledger.add(
        entry(
            "b",
            id="r-2",
            status="failed",
            inputs={"prompt": "ÜBERGRÖSSE"},
            cost=Decimal("0.14"),
            starred=True,
            created_at=LONG_AGO + timedelta(hours=1),
        )
    )
    ledger.add(
        entry(
            "c",
            model="bria/background/remove",
            service="embedded",
            status="succeeded",
            files=("x",),
            created_at=LONG_AGO + timedelta(hours=2),
        )
    )

    assert [found.key for found in ledger.find(**filters)] == keys


def test_keys_are_listed_and_their_runs_read_in_that_order(ledger):
    for key in ("a", "b", "c"):
        ledger.add(entry(key, model=f"m/{'one' if key == 'b' else 'two'}"))

    assert ledger.keys() == ["c", "b", "a"]
    assert ledger.keys(model="one") == ["b"]
    assert [found.key for found in ledger.entries(["a", "nobody", "c"])] == ["a", "c"]
    assert ledger.entries([]) == []
    assert ledger.models() == ["m/two", "m/one"]


def test_a_star_stays_when_the_run_goes_on(ledger):
    ledger.add(entry())

    ledger.update("k-1", starred=True)
    ledger.update("k-1", status="running")

    assert ledger.get("k-1").starred
    ledger.update("k-1", starred=False)
    assert not ledger.get("k-1").starred


def test_whoever_watches_hears_of_every_change_until_it_stops(ledger, caplog):
    heard = []
    stop = watch_records(lambda path, key: heard.append((path, key)))
    stop_breaking = watch_records(lambda path, key: 1 / 0)

    ledger.add(entry())
    ledger.update("k-1", status="running")
    stop()
    stop_breaking()
    ledger.update("k-1", status="failed")

    assert heard == [(ledger.path, "k-1")] * 2
    assert "a function that watches the record" in caplog.text
    assert ledger.get("k-1").status == "failed"


def older_file(path, runs=3):
    """A record as version 1 of the schema wrote it."""
    names = [name for name in _COLUMNS if name not in ("starred", "removed_at")]
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"CREATE TABLE runs (key TEXT PRIMARY KEY, {', '.join(f'{name} TEXT' for name in names[1:])})")
    for number in range(runs):
        row = {"key": f"old-{number}", "model": "m/old", "service": "https://s", "status": "succeeded"}
        row |= {"inputs": '{"prompt": "kept"}', "files": '["/a/1.png"]', "created_at": "2026-01-01T00:00:00.000+00:00"}
        row |= {"cost": "0.14"}
        db.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    db.execute("PRAGMA user_version=1")
    db.commit()
    return db


def test_a_file_of_the_version_before_is_taken_over_whole(tmp_path):
    older_file(tmp_path / "ledger.sqlite").close()

    ledger = Ledger(tmp_path / "ledger.sqlite")

    assert sorted(ledger.keys()) == ["old-0", "old-1", "old-2"]
    old = ledger.get("old-1")
    assert (old.inputs, old.cost, old.files) == ({"prompt": "kept"}, Decimal("0.14"), ("/a/1.png",))
    assert (old.starred, old.removed_at, old.is_open) == (False, None, False)
    ledger.update("old-1", starred=True)
    assert ledger.keys(starred=True) == ["old-1"]
    ledger.close()


def test_several_kernels_take_over_one_old_file_at_once_while_an_old_one_writes(tmp_path):
    db = older_file(tmp_path / "ledger.sqlite")
    ledgers = [Ledger(tmp_path / "ledger.sqlite", say=lambda said: pytest.fail(said)) for _ in range(4)]
    start = threading.Barrier(4)
    counts = []

    def begin(ledger, number):
        start.wait()
        ledger.add(entry(f"new-{number}", starred=True))
        counts.append(len(ledger.keys()))

    threads = [threading.Thread(target=begin, args=pair) for pair in zip(ledgers, range(4), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.execute("PRAGMA user_version=1")
    db.execute("INSERT INTO runs (key, model, service, status) VALUES ('by-old', 'm/old', 'https://s', 'running')")
    db.commit()
    again = Ledger(tmp_path / "ledger.sqlite")

    assert len(counts) == 4
    assert len(again.keys()) == 8
    assert len(again.keys(starred=True)) == 4
    assert again.get("by-old").status == "running"
    db.close()
    for ledger in [*ledgers, again]:
        ledger.close()


def test_spending_counts_what_is_billed_and_what_may_still_be(ledger):
    ledger.add(entry("billed", status="succeeded", cost=Decimal("0.14"), expected_usd=Decimal("0.20")))
    ledger.add(entry("under way", status="running", expected_usd=Decimal("0.48")))
    ledger.add(entry("failed", status="failed", expected_usd=Decimal("9")))
    ledger.add(entry("cancelled", status="canceled", expected_usd=Decimal("9")))
    ledger.add(entry("free", service="embedded", status="succeeded", expected_usd=Decimal("9")))
    ledger.add(entry("old", status="succeeded", cost=Decimal("9"), created_at=LONG_AGO))

    assert ledger.spent_usd(since=datetime.now(UTC) - timedelta(minutes=5)) == Decimal("0.62")


def test_a_day_begins_at_midnight_where_the_kernel_is():
    now = datetime.now().astimezone()

    midnight = start_of("day", LONG_AGO)

    assert (midnight.hour, midnight.minute, midnight.date()) == (0, 0, now.date())
    assert start_of("session", LONG_AGO) == LONG_AGO


def test_the_typical_time_is_the_median_of_good_runs(ledger):
    for index, milliseconds in enumerate([1000, 2000, 90_000]):
        ledger.add(entry(f"k{index}", status="succeeded", duration_ms=milliseconds))
    ledger.add(entry("bad", status="failed", duration_ms=1))

    assert ledger.typical_s("runflow/tag-removal", "https://s") == 2.0
    assert ledger.typical_s("runflow/tag-removal", "embedded") is None


def test_two_kernels_write_into_one_ledger(tmp_path):
    def write(name):
        ledger = Ledger(tmp_path / "ledger.sqlite")
        for index in range(50):
            ledger.add(entry(f"{name}-{index}"))
            ledger.update(f"{name}-{index}", status="running")
        ledger.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert len(ledger.find(status="running", limit=1000)) == 100
    ledger.close()


def test_a_ledger_that_another_kernel_is_just_beginning_is_waited_for(tmp_path):
    path, said = tmp_path / "ledger.sqlite", []
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE something (name TEXT)")
    other.execute("BEGIN EXCLUSIVE")
    ledger = Ledger(path, say=said.append)
    adding = threading.Thread(target=ledger.add, args=(entry(),))

    adding.start()
    adding.join(0.2)
    waits = adding.is_alive()
    other.execute("COMMIT")
    adding.join(30)

    assert waits
    assert said == []
    other.close()
    again = Ledger(path)
    assert again.get("k-1").key == "k-1"
    again.close()
    ledger.close()


def test_a_file_that_is_no_database_is_set_aside_and_said(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    said = []

    ledger = Ledger(path, say=said.append)
    ledger.add(entry())

    assert ledger.get("k-1").key == "k-1"
    assert "set aside" in said[0]
    (aside,) = tmp_path.glob("ledger.damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"this is not")
    ledger.close()


def test_a_file_damaged_while_in_use_does_not_stop_a_run(tmp_path):
    path = tmp_path / "ledger.sqlite"
    said = []
    ledger = Ledger(path, say=said.append)
    for index in range(200):
        ledger.add(entry(f"k{index}", inputs={"prompt": "x" * 500}))
    ledger.close()
    data = bytearray(path.read_bytes())
    data[4096:20000] = b"\xff" * (20000 - 4096)
    path.write_bytes(data)

    ledger.add(entry("after"))

    assert ledger.get("after").key == "after"
    assert len(said) == 1
    ledger.close()


def test_where_nothing_can_be_written_the_record_is_kept_in_memory(tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    said = []

    ledger = Ledger(blocked / "ledger.sqlite", say=said.append)
    ledger.add(entry())

    assert ledger.get("k-1").key == "k-1"
    assert "in memory only" in said[0]
    ledger.close()


def test_a_locked_ledger_is_not_mistaken_for_a_damaged_one(tmp_path, monkeypatch):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).add(entry())
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    said = []

    ledger = Ledger(path, say=said.append, busy_s=0.01)
    ledger.add(entry("k-2"))

    assert ledger.get("k-2").key == "k-2"
    assert "locked" in said[0]
    assert path.exists()
    assert not list(tmp_path.glob("*damaged*"))
    locker.close()
    ledger.close()


@pytest.fixture
def blocked(tmp_path):
    """A ledger that had to go on in memory, and the way to let it write again."""
    path = tmp_path / "ledger.sqlite"
    first = Ledger(path)
    for key in ("k-1", "k-2"):
        first.add(entry(key))
    first.close()
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    ledger = Ledger(path, say=[].append, busy_s=0.01, try_again_s=0)
    ledger.update("k-2", status="running")
    yield ledger, locker.close
    locker.close()
    ledger.close()


def on_disk(ledger):
    with closing(sqlite3.connect(ledger.path)) as file:
        return dict(file.execute("SELECT key, status FROM runs").fetchall())


def test_what_was_on_record_is_still_seen_while_nothing_can_be_written(blocked):
    ledger, _ = blocked
    ledger.add(entry("k-3"))

    assert {found.key: found.status for found in ledger.find()} == {"k-1": "unsent", "k-2": "running", "k-3": "unsent"}
    assert on_disk(ledger) == {"k-1": "unsent", "k-2": "unsent"}


def test_what_was_kept_in_memory_is_written_as_soon_as_it_can_be(blocked):
    ledger, unblock = blocked
    ledger.add(entry("k-3"))
    unblock()

    ledger.update("k-3", status="queued")

    assert on_disk(ledger) == {"k-1": "unsent", "k-2": "running", "k-3": "queued"}


def test_what_another_kernel_wrote_meanwhile_stays(blocked):
    ledger, unblock = blocked
    unblock()
    other = Ledger(ledger.path)
    other.update("k-1", status="succeeded")
    other.add(entry("k-9"))
    other.close()

    assert ledger.get("k-9").key == "k-9"
    assert on_disk(ledger) == {"k-1": "succeeded", "k-2": "running", "k-9": "unsent"}


def test_what_is_in_memory_only_is_written_when_the_record_is_closed(blocked):
    ledger, unblock = blocked
    unblock()

    ledger.close()

    assert on_disk(ledger)["k-2"] == "running"
