"""The gallery without a page: what it lists, what it sends, what its buttons do, what a saved notebook shows."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.errors import InputError
from runflow_widgets.ledger import Entry, Ledger, home
from runflow_widgets.portal import shared
from runflow_widgets.session import Session
from runflow_widgets.widgets.gallery_acts import again_inputs

CUT = "bria/background/remove"


@pytest.fixture
def ledger():
    ledger = Ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def galleries():
    made = []

    def make(**options):
        made.append(rf.Gallery(**options))
        return made[-1]

    yield make
    for gallery in made:
        gallery.close()


@pytest.fixture
def remote():
    """A session with a service that takes every run and never finishes it."""
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(201, json={"id": f"r-{len(asked)}", "status_code": "queued"})

    client = Client(transport=httpx.MockTransport(answer), pace=Pace(scale=1000))
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    yield session, asked
    session.close()


def photo():
    picture = Image.new("RGB", (90, 60), "white")
    picture.paste((20, 40, 160), (30, 15, 60, 45))
    return picture


def put(ledger, key, *, ago_s=0, status="succeeded", pictures=0, size=(40, 30), **more):
    folder = home() / "outputs" / "2026-03-01" / key
    paths = [folder / f"{number + 1:02d}.png" for number in range(pictures)]
    for path in paths:
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (hash(key) % 255, 90, 90)).save(path)
    facts = {"model": CUT, "service": "embedded", "created_at": datetime.now(UTC) - timedelta(seconds=ago_s)}
    ledger.add(Entry(key=key, status=status, files=tuple(map(str, paths)), **(facts | more)))


def settled(gallery, condition):
    """Wait until a trait says so."""
    told = threading.Event()
    gallery.observe(lambda _: condition() and told.set())
    return condition() or told.wait(20)


def arrived(sent, gallery, kind, count=1):
    """Messages of a kind, once there are enough: they come from the gallery's own thread."""
    idle = threading.Event()
    for _ in range(200):
        found = [message for message in sent.custom(gallery) if message[0]["kind"] == kind]
        if len(found) >= count:
            return found
        gallery._background.quietly(idle.set).result(20)
    raise AssertionError(f"{kind}: {sent.custom(gallery)}")


def test_runs_are_listed_the_newest_first_and_only_those_in_sight_are_sent(ledger, galleries, wire):  # noqa: F811
    for number in range(1000):
        put(ledger, f"k{number:04d}", ago_s=number)
    gallery = galleries()

    say(gallery, {"do": "look", "first": 500, "last": 512, "have": []})

    ((content, _),) = arrived(wire, gallery, "rows")
    assert (gallery.count, gallery.total, gallery.models) == (1000, 1000, [CUT])
    assert [row["key"] for row in content["rows"]] == [f"k{number:04d}" for number in range(500, 512)]
    assert content["first"] == 500
    state = {name: value for name, value in gallery.get_state().items() if not name.startswith("_")}
    assert len(json.dumps(state, default=str)) < 2000


def test_a_card_says_model_state_time_cost_and_star(ledger, galleries, wire):  # noqa: F811
    put(ledger, "a", duration_ms=2300, starred=True, pictures=2)
    put(ledger, "b", ago_s=1, service="https://s", cost=Decimal("0.14"), pictures=1)
    put(ledger, "c", ago_s=2, service="https://s", status="failed", failure_code="X", price="$0.14")
    put(ledger, "d", ago_s=3, service="https://s", status="running", price="$0.14", id="r")
    put(ledger, "e", ago_s=4, status="partial_succeeded", duration_ms=125_000)
    put(ledger, "f", ago_s=5, status="canceled", service="https://s")
    gallery = galleries()

    say(gallery, {"do": "look", "first": 0, "last": 9, "have": []})

    rows = {row["key"]: row for row in arrived(wire, gallery, "rows")[0][0]["rows"]}
    told = {key: (row["state"], row["tone"], row["cost"], row["took"]) for key, row in rows.items()}
    assert told == {
        "a": ("Done", "done", "free", "2.3 s"),
        "b": ("Done", "done", "$0.14", ""),
        "c": ("Failed", "failed", "not billed", ""),
        "d": ("Open; last seen: running", "open", "expected $0.14", ""),
        "e": ("Done, not fetched yet", "open", "free", "2 min 5 s"),
        "f": ("Cancelled", "cancelled", "not billed", ""),
    }
    assert (rows["a"]["starred"], rows["a"]["files"], rows["a"]["kind"]) == (True, 2, "image")


def test_small_pictures_are_made_in_the_background_kept_and_sent_once(ledger, galleries, wire):  # noqa: F811
    put(ledger, "a", pictures=1, size=(900, 600))
    put(ledger, "b", ago_s=1, pictures=1)
    put(ledger, "c", ago_s=2, pictures=1)
    (home() / "outputs" / "2026-03-01" / "c" / "01.png").write_bytes(b"\x89PNG\r\n\x1a\ndamaged")
    gallery, another = galleries(), galleries()

    say(gallery, {"do": "look", "first": 0, "last": 9, "have": []})
    made = {content["key"]: bytes(buffers[0]) for content, buffers in arrived(wire, gallery, "thumb", 3)}
    say(another, {"do": "look", "first": 0, "last": 9, "have": ["b"]})

    assert Image.open(io.BytesIO(made["a"])).size == (256, 171)
    assert made["c"] == b""
    ((content, buffers),) = arrived(wire, another, "rows")
    assert [row["thumb"] for row in content["rows"]] == [0, -1, -1]
    assert bytes(buffers[0]) == made["a"]


@pytest.mark.parametrize(
    ("search", "filters", "keys"),
    [
        ("", {}, ["a", "b", "c", "d"]),
        ("blue SHIRT", {}, ["b"]),
        ("", {"model": "tag"}, ["b"]),
        ("", {"state": "done"}, ["a", "b"]),
        ("", {"state": "failed"}, ["c"]),
        ("", {"state": "open"}, ["d"]),
        ("", {"starred": True}, ["c"]),
        ("", {"since": "today"}, ["a"]),
        ("", {"since": "month"}, ["a", "b", "c"]),
        ("", {"most": 0}, ["a", "c", "d"]),
        ("", {"least": 0.1}, ["b"]),
        ("", {"nonsense": 1, "state": "odd"}, ["a", "b", "c", "d"]),
    ],
)
def test_words_and_chips_narrow_the_list(ledger, galleries, search, filters, keys):
    day = 86400
    put(ledger, "a", pictures=1)
    more = {"model": "runflow/tag-removal", "service": "https://s", "cost": Decimal("0.14")}
    put(ledger, "b", ago_s=2 * day, pictures=1, inputs={"prompt": "a blue shirt"}, **more)
    put(ledger, "c", ago_s=20 * day, status="failed", starred=True)
    put(ledger, "d", ago_s=90 * day, status="running")
    gallery = galleries()
    before = gallery.version

    gallery.search, gallery.filters = search, filters

    assert gallery._list.keys == keys
    assert (gallery.count, gallery.total) == (len(keys), 4)
    assert gallery.version > before or not (search or filters)


def test_the_chosen_run_is_a_run_and_its_details_are_all_there(ledger, galleries):
    put(ledger, "a", id="r-1", pictures=2, inputs={"prompt": "a mug", "image_url": "file:mug.png#sha256=ab", "n": 2})
    gallery = galleries()
    seen = []
    gallery.observe(lambda change: seen.append(change["new"] and change["new"].key), "value")

    run = gallery.choose("r-1")

    assert (gallery.selected, gallery.value, run.key, run.image.size) == ("a", run, "a", (40, 30))
    assert gallery.details["inputs"] == [["prompt", "a mug"], ["image_url", "mug.png (a file)"], ["n", "2"]]
    assert dict(map(tuple, gallery.details["facts"]))["Id"] == "r-1"
    assert "prompt: a mug" in gallery.details["text"]
    assert settled(gallery, lambda: gallery.picture)
    assert gallery.choose("") is None
    assert (gallery.details, gallery.picture, seen) == ({}, b"", ["a", None])
    gallery.selected = "a"
    assert gallery.value.key == "a"
    with pytest.raises(InputError, match="No run 'zz'"):
        gallery.selected = "zz"


def test_choosing_an_open_run_asks_nobody(ledger, galleries, remote):
    session, asked = remote
    put(ledger, "a", status="running", id="r-9", service=session.service)
    gallery = galleries(session=session)

    run = gallery.choose("a")

    assert run.done
    assert asked == []
    assert gallery.details["resumes"]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("NOT_SENT", "never reached"),
        ("INPUT_VALIDATION_FAILED", "into a form"),
        ("MODEL_CRASHED", "support needs its id"),
    ],
)
def test_what_went_wrong_comes_with_what_to_do(ledger, galleries, code, advice):
    put(ledger, "a", status="failed", failure_code=code, failure_message="It broke.", service="https://s")
    gallery = galleries()

    gallery.choose("a")

    assert gallery.details["error"]["code"] == code
    assert advice in gallery.details["error"]["advice"]
    assert f"Error: {code} It broke." in gallery.details["text"]


def test_nothing_secret_is_shown_or_copied(ledger, galleries):
    secrets = {
        "image_url": "https://a.example/b.png?X-Amz-Signature=0123",
        "api_key": "hunter2",
        "p": "rf_live_0123456789",
    }
    put(ledger, "a", inputs=secrets)
    gallery = galleries()

    gallery.choose("a")

    shown = json.dumps(gallery.get_state(), default=str)
    assert "hunter2" not in shown
    assert "0123" not in shown


def test_runs_of_this_kernel_appear_and_change_by_themselves(slow, finish, galleries):
    gallery = galleries()

    run = rf.run(CUT, image=photo())

    assert settled(gallery, lambda: gallery.count == 1)
    gallery.choose(run.key)
    assert gallery.value is run
    assert gallery.details["tone"] == "going"
    finish()
    run.result(30)
    assert settled(gallery, lambda: gallery.details["tone"] == "done")


def test_a_run_that_is_no_longer_waited_for_is_open(slow, finish, galleries):
    gallery = galleries()
    run = rf.run(CUT, image=photo())
    gallery.choose(run.key)
    assert settled(gallery, lambda: "Running" in dict(map(tuple, gallery.details["facts"]))["State"])

    run.stop_waiting()

    assert settled(gallery, lambda: gallery.details["tone"] == "open")
    finish()


def test_runs_of_other_kernels_come_on_asking(ledger, galleries):
    gallery = galleries()
    other = Ledger()
    other._do(
        lambda db: db.execute("INSERT INTO runs (key, model, service, status) VALUES ('x', 'm/x', 's', 'failed')")
    )

    assert gallery.count == 0
    say(gallery, {"do": "refresh"})

    assert gallery.count == 1
    other.close()


def test_a_gallery_that_is_closed_hears_no_more(ledger):
    gallery = rf.Gallery()
    gallery.close()

    put(ledger, "a")

    assert gallery.count == 0


def test_a_star_is_given_from_the_page(ledger, galleries):
    put(ledger, "a")
    gallery = galleries()

    say(gallery, {"do": "star", "key": "a", "press": "1"})
    say(gallery, {"do": "star", "key": "a", "press": "1"})

    assert ledger.get("a").starred
    say(gallery, {"do": "star", "key": "a", "press": "2"})
    assert not ledger.get("a").starred


def test_a_result_is_downloaded_with_its_settings_under_the_models_name(ledger, galleries, wire):  # noqa: F811
    put(ledger, "a", pictures=2)
    gallery = galleries()

    say(gallery, {"do": "file", "key": "a", "index": 1})

    ((content, buffers),) = arrived(wire, gallery, "file")
    assert (content["name"], content["mime"]) == ("remove-02.png", "image/png")
    assert rf.settings_of(bytes(buffers[0])).key == "a"


def test_deleting_asks_first_and_keeps_the_run(ledger, galleries):
    put(ledger, "a", pictures=2, service="https://s", cost=Decimal("0.14"))
    gallery = galleries()
    gallery.choose("a")

    say(gallery, {"do": "delete", "press": "1"})
    asked = gallery.ask["text"]
    say(gallery, {"do": "no", "press": "2"})
    kept = len(list((home() / "outputs").rglob("*.png")))
    say(gallery, {"do": "delete", "press": "3"})
    say(gallery, {"do": "yes", "press": "4"})

    assert "Delete 2 files" in asked
    assert kept == 2
    assert not list((home() / "outputs").rglob("*.png"))
    assert settled(gallery, lambda: not gallery.details["saves"])
    assert gallery.details["deletes"] is False
    assert any(name == "Deleted" for name, _ in gallery.details["facts"])
    assert (gallery.count, gallery.failed) == (1, False)
    assert "Today $0.14" in gallery.totals


def test_two_runs_are_compared_below(ledger, galleries):
    put(ledger, "a", pictures=1)
    put(ledger, "b", ago_s=1, pictures=1)
    gallery = galleries()
    gallery._repr_mimebundle_()

    say(gallery, {"do": "pick", "key": "a", "slot": 0, "press": "1"})
    say(gallery, {"do": "compare", "press": "2"})
    lonely = gallery.says
    say(gallery, {"do": "pick", "key": "b", "slot": 1, "press": "3"})
    say(gallery, {"do": "compare", "press": "4"})

    assert "Two runs are compared" in lonely
    assert isinstance(gallery.below, rf.Compare)
    assert [picture["label"][:7] for picture in gallery.below.pictures] == ["remove "] * 2
    assert gallery._frame.children == (gallery, gallery.below)
    assert gallery.beneath == "Comparison"
    say(gallery, {"do": "close", "press": "5"})
    assert (gallery.below, gallery.beneath, gallery._frame.children) == (None, "", (gallery,))


def test_a_result_is_opened_in_a_mask_pad(ledger, galleries):
    put(ledger, "a", pictures=1)
    put(ledger, "b", ago_s=1)
    gallery = galleries()

    gallery.choose("a")
    say(gallery, {"do": "pad", "press": "1"})

    assert isinstance(gallery.below, rf.MaskPad)
    assert gallery.below.image.size == (40, 30)
    gallery.choose("b")
    say(gallery, {"do": "pad", "press": "2"})
    assert gallery.failed
    assert "no picture" in gallery.says


def test_inputs_are_brought_into_a_form_below(ledger, galleries):
    inputs = {"image_url": "https://a.example/b.png", "aspect_ratio": "1:1", "mask_url": "file:m.png#sha256=00"}
    put(ledger, "a", model="runflow/product-isolation", inputs=inputs)
    gallery = galleries()
    gallery.choose("a")

    say(gallery, {"do": "form", "part": "all", "press": "1"})

    assert gallery.below.value == {"image_url": "https://a.example/b.png", "aspect_ratio": "1:1"}
    assert "all but mask_url" in gallery.says
    with pytest.raises(InputError, match="'all', 'seed' or 'prompt'"):
        gallery.to_form("everything")


def test_a_form_that_is_given_takes_everything_or_the_seed_or_the_prompt(ledger, galleries):
    takes_both = [s for s in rf.models() if {"seed", "prompt"} <= {field.name for field in s.inputs}]
    here, there = takes_both[0].id, takes_both[1].id
    put(ledger, "a", model=there, inputs={"prompt": "a mug", "seed": 7})
    put(ledger, "b", ago_s=1, model=there, inputs={"prompt": "only words"})
    form = rf.form(here, {"prompt": "mine"})
    gallery = galleries(form=form)
    gallery.choose("a")

    gallery.to_form("seed")
    after_seed = dict(form.value)
    gallery.to_form("prompt")
    after_prompt = dict(form.value)
    form.undo()
    undone = dict(form.value)
    gallery.to_form()

    assert after_seed == {"prompt": "mine", "seed": 7}
    assert after_prompt == {"prompt": "a mug", "seed": 7}
    assert undone == after_seed
    assert (form.model, form.value) == (there, {"prompt": "a mug", "seed": 7})
    assert gallery.below is None
    gallery.choose("b")
    with pytest.raises(InputError, match="had no seed"):
        gallery.to_form("seed")
    form.close()


def test_the_seed_that_the_service_chose_is_shown_and_brought_into_the_form_but_not_run_again(ledger, galleries):
    model = next(s.id for s in rf.models() if {"seed", "prompt"} <= {field.name for field in s.inputs})
    put(ledger, "a", model=model, inputs={"prompt": "a mug"}, pictures=1)
    (home() / "outputs" / "2026-03-01" / "a" / "run.json").write_text('{"output": {"seed": 4711}}')
    gallery = galleries()
    gallery.choose("a")

    gallery.to_form("seed")

    assert ["Seed used", "4711"] in gallery.details["facts"]
    assert gallery.details["parts"] == ["seed", "prompt"]
    assert gallery.below.value == {"seed": 4711}
    assert again_inputs(ledger.get("a")) == {"prompt": "a mug"}


def test_a_model_that_no_catalogue_lists_is_brought_into_a_form_too(ledger, galleries):
    put(ledger, "a", model="new/model", inputs={"prompt": "a mug", "steps": 4})
    gallery = galleries()
    gallery.choose("a")

    gallery.to_form()

    assert (gallery.below.model, gallery.below.value) == ("new/model", {"prompt": "a mug", "steps": 4})


def test_of_several_pictures_one_that_is_lost_stops_a_run_but_not_a_form(ledger, galleries):
    rf.connect(embedded=True)
    inputs = {"image_urls": ["https://a.example/b.png", "file:c.png#sha256=00"], "prompt": "both"}
    put(ledger, "a", model="openai/gpt-image-2/edit", inputs=inputs)
    gallery = galleries()
    gallery.choose("a")

    say(gallery, {"do": "again", "press": "1"})
    refused = gallery.says
    gallery.to_form()

    assert "image_urls was not kept" in refused
    assert gallery.below.value == {"image_urls": ["https://a.example/b.png"], "prompt": "both"}
    assert "all but image_urls" in gallery.says


def test_a_run_of_photo_and_mask_is_brought_back_as_photo_and_mask(ledger, galleries):
    zipped = {"zip_url": "file:inputs.zip#sha256=00", "file_input": "photo.png", "file_mask": "mask.png"}
    put(ledger, "a", model="runflow/object-removal", inputs=zipped)
    gallery = galleries()
    gallery.choose("a")

    gallery.to_form()

    assert gallery.below.value == {}
    assert "zip_url" in gallery.says


def test_a_budget_holds_for_running_again(ledger, galleries, remote):
    session, asked = remote
    put(
        ledger,
        "a",
        model="runflow/tag-removal",
        service=session.service,
        inputs={"image_url": "https://a.example/b.png"},
    )
    rf.budget(0.1)
    gallery = galleries(session=session)
    gallery.choose("a")

    say(gallery, {"do": "again", "press": "1"})
    say(gallery, {"do": "yes", "press": "2"})

    assert "passes the limit" in gallery.says
    assert (asked, len(ledger.keys())) == ([], 1)


def test_code_is_written_on_asking(ledger, galleries):
    put(ledger, "a", inputs={"image_url": "https://a.example/b.png"})
    gallery = galleries()
    gallery.choose("a")

    say(gallery, {"do": "code", "language": "curl"})

    assert "curl" in gallery.code
    assert CUT in gallery.code


def test_an_embedded_run_is_run_again_at_once_with_its_pictures(galleries):
    session = rf.connect(embedded=True)
    run = rf.run(CUT, image=photo(), session=session).result(60)
    gallery = galleries()
    gallery.choose(run.key)

    say(gallery, {"do": "again", "press": "1"})
    say(gallery, {"do": "again", "press": "1"})

    assert gallery.value.key != run.key
    gallery.value.result(60)
    assert len(rf.runs()) == 2
    assert settled(gallery, lambda: gallery.picture)


def test_a_paid_run_is_run_again_once_and_only_after_its_price_was_said(ledger, galleries, remote):
    session, asked = remote
    inputs = {"image_url": "https://a.example/b.png"}
    put(ledger, "a", model="runflow/tag-removal", service=session.service, inputs=inputs)
    gallery = galleries(session=session)
    gallery.choose("a")

    say(gallery, {"do": "again", "press": "1"})
    question, before = gallery.ask["text"], len(asked)
    say(gallery, {"do": "yes", "press": "2"})
    say(gallery, {"do": "yes", "press": "3"})

    assert "$0.14" in question
    assert "billed" in question
    assert before == 0
    assert len(ledger.keys()) == 2
    assert gallery.value.key != "a"
    gallery.value.stop_waiting()


def test_what_was_not_kept_is_named_before_anything_is_sent(ledger, galleries):
    rf.connect(embedded=True)
    put(ledger, "a", inputs={"image_url": "file:mug.png#sha256=00"})
    gallery = galleries()
    gallery.choose("a")

    say(gallery, {"do": "again", "press": "1"})

    assert gallery.failed
    assert "image_url was not kept" in gallery.says
    assert len(ledger.keys()) == 1


def test_what_the_buttons_do_has_methods(ledger, galleries):
    session = rf.connect(embedded=True)
    first = rf.run(CUT, image=photo(), session=session).result(60)
    gallery = galleries()
    gallery.choose(first.key)

    second = gallery.run_again().result(60)
    gallery.choose(first.key)
    gallery.delete_files()
    gallery.compare(second.key, second.id)

    assert second.key != first.key
    assert ledger.get(first.key).removed_at is not None
    assert isinstance(gallery.below, rf.Compare)
    with pytest.raises(InputError, match="No run is chosen"):
        galleries().run_again()


def test_an_open_run_is_resumed_at_its_own_service_only(ledger, galleries, remote):
    session, _ = remote
    put(ledger, "mine", status="running", id="r-1", service=session.service)
    put(ledger, "other", status="running", id="r-2", service="https://other")
    gallery = galleries(session=session)

    gallery.choose("other")
    say(gallery, {"do": "resume", "press": "1"})
    refused = gallery.says
    gallery.choose("mine")
    say(gallery, {"do": "resume", "press": "2"})

    assert "https://other" in refused
    assert gallery.details["tone"] == "going"
    assert ledger.get("other").status == "running"
    gallery.value.stop_waiting()


def test_sums_are_told_in_a_line_and_by_model_on_asking(ledger, galleries):
    paid = {"service": "https://s", "model": "m/dear"}
    put(ledger, "a", cost=Decimal("0.14"), **paid)
    put(ledger, "b", status="running", expected_usd=Decimal("0.3"), **paid)
    put(ledger, "c", cost=Decimal("9"))
    gallery = galleries()

    say(gallery, {"do": "sums"})

    assert gallery.totals.startswith("Today $0.14 and $0.30 expected · this month $0.14")
    assert gallery.sums == [["m/dear", "2 runs", "$0.14 and $0.30 expected"]]


def test_a_saved_notebook_shows_a_table_with_pictures_and_no_foreign_html(ledger, galleries):
    put(ledger, "a", pictures=1)
    put(ledger, "b", ago_s=1, model="<script>/x")
    for number in range(20):
        put(ledger, f"c{number}", ago_s=5 + number)
    gallery = galleries()

    data, _ = gallery._repr_mimebundle_()

    assert data["text/plain"] == "Gallery(22 of 22 runs, none chosen)"
    assert data["text/html"].count("<tr>") == 13
    assert data["text/html"].count("data:image/webp;base64,") == 1
    assert "<script>" not in data["text/html"]
    assert "newest 12 of 22" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_an_empty_record_says_so(galleries):
    gallery = galleries()

    data, _ = gallery._repr_mimebundle_()

    assert "No runs to show" in data["text/html"]
    assert (gallery.count, gallery.total) == (0, 0)
