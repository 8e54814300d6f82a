"""A recipe over one picture and over many: streamed, priced before, kept, saved, stopped, tried again."""

from __future__ import annotations

import hashlib
import json
import threading
from decimal import Decimal

import pytest
from lent import Lent
from PIL import Image
from service_of_steps import RED, shop

import runflow_widgets as rf
from runflow_widgets.errors import BudgetError, ConfigError, CreditError, InputError, RunFailed

BLUE = {"color_red": 0, "color_green": 0, "color_blue": 200}


@pytest.fixture
def lent(warm):
    return Lent(warm)


@pytest.fixture
def session(lent):
    return rf.connect(embedded=True, workers=lent)


def picture(number, unlucky=False):
    image = Image.new("RGB", (8, 6), (number, 90, 7))
    if unlucky:
        image.putpixel((0, 0), (13, 13, 13))
    return image


def number_of(image):
    return image.getpixel((0, 0))[0]


# ---------------------------------------------------------------------- over one, over many


def test_one_picture_goes_through_every_step_and_each_result_is_kept(session, lent):
    done = shop().run(picture(5)).result(60)

    made = done[0]
    assert made.ok
    assert lent.orders == 4
    assert {name: number_of(item.image) for name, item in made.steps.items()} == dict.fromkeys(made.steps, 5)
    assert len({item.outputs[0].read_bytes() for item in made.steps.values()}) == 4
    assert [number_of(image) for image in done.images] == [5, 5]


def test_each_step_gets_what_the_one_before_has_made(session):
    done = shop().run(picture(5)).result(60)

    given = {name: step[0].run.inputs["image_url"].partition("sha256=")[2] for name, step in done.steps.items()}
    made = {name: _fingerprint(step[0]) for name, step in done.steps.items()}
    assert given["cut"] == made["clean"]
    assert given["red"] == given["again"] == made["cut"]


def _fingerprint(item):
    return hashlib.sha256(item.outputs[0].read_bytes()).hexdigest()


def test_many_keep_their_order_and_their_names(session, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in (1, 2, 3, 10, 11, 12):
        picture(number).save(folder / f"photo {number}.png")

    done = shop().run(folder).result(60)
    saved = done.save(tmp_path / "out")

    assert [made.name for made in done.items] == [f"photo {number}" for number in (1, 2, 3, 10, 11, 12)]
    assert [number_of(image) for image in done["red"].images] == [1, 2, 3, 10, 11, 12]
    assert {path.parent.name for path in saved} == {"clean", "cut", "red", "again"}
    assert (tmp_path / "out" / "red" / "photo 10.png").is_file()
    assert len(saved) == 24


def test_saving_twice_overwrites_nothing_and_some_steps_may_be_left_out(session, photos, tmp_path):
    done = shop().run(photos).result(60)

    done.save(tmp_path / "out", steps=["red"])
    done.save(tmp_path / "out", steps="red")

    assert len(list((tmp_path / "out").rglob("*.png"))) == 4
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["red"]


def test_each_picture_comes_once_when_all_its_steps_are_over(session):
    done = shop().run([picture(number) for number in range(6)])

    order = [(made.index, made.ok) for made in done]

    assert sorted(order) == [(number, True) for number in range(6)]
    assert [(made.index, made.ok) for made in done] == order


def test_a_picture_is_through_before_the_last_one_has_begun(session):
    """With one run at a time the steps take turns: they are not done one after the other for all pictures."""
    done = shop().run([picture(number) for number in range(6)], concurrency=1)
    waiting = []
    done.watch(lambda done: waiting or (done[0].ok and waiting.append(done["clean"].items[5].status)))

    done.result(60)

    assert waiting == ["waiting"]


async def test_it_is_awaited_and_gone_through_asynchronously(session, photos):
    done = shop().run(photos)

    seen = [made.name async for made in done]

    assert await done is done
    assert sorted(seen) == ["photo 0", "photo 1"]
    assert (len(done), done.done, done.cost, done.failed) == (2, True, 0, ())


def test_a_mask_is_given_once_for_all_or_with_each(session):
    recipe = (
        rf.Recipe("retouch", inputs=("image", "mask"))
        .then("clean", "runflow/tag-removal")
        .then("gone", "runflow/object-removal", of={"image": "clean", "mask": "mask"})
    )
    mask = Image.new("L", (8, 6))
    mask.putpixel((3, 3), 255)

    for_all = recipe.run([picture(1), picture(2)], mask=mask).result(60)
    with_each = recipe.run([{"image": picture(3), "mask": mask}]).result(60)
    alone = recipe.run({"image": picture(4), "mask": mask}).result(60)

    numbers = [number_of(image) for done in (for_all, with_each, alone) for image in done["gone"].images]
    assert numbers == [1, 2, 3, 4]


def test_a_step_that_takes_two_results_waits_for_both(session):
    recipe = (
        rf.Recipe("both")
        .then("clean", "runflow/tag-removal")
        .then("marked", "runflow/background-color", RED, of="image")
        .then("gone", "runflow/object-removal", of={"image": "clean", "mask": "marked"})
    )
    half = Image.new("RGB", (8, 6))
    half.paste((255, 255, 255), (4, 0, 8, 6))

    done = recipe.run([half, half.rotate(180)]).result(60)

    assert [made.ok for made in done.items] == [True, True]


def test_results_of_a_map_become_pictures_of_a_recipe_as_they_come_and_the_other_way_round(session, photos):
    first = rf.map("bria/background/remove", photos)

    done = shop().run(first)
    after = rf.map("runflow/background-color", done["red"], **BLUE).result(60)

    assert [made.name for made in done.result(60).items] == ["photo 0", "photo 1"]
    assert [number_of(image) for image in after.images] == [0, 60]


def test_what_was_given_and_every_result_can_be_laid_together(session, photos):
    done = shop().run(photos).result(60)

    view = rf.compare(done[1].pictures)

    assert [entry["label"] for entry in view.pictures] == ["image", "clean", "cut", "red", "again"]
    view.close()


def test_an_address_that_was_given_is_not_fetched_for_looking(service, photos):
    service.connect()
    recipe = rf.Recipe("one").then("a", "bria/background/remove").then("b", "runflow/tag-removal")

    done = recipe.run("http://127.0.0.1:9/nobody.png").result(60)

    assert (done[0].name, done[0].pictures) == ("nobody", {})
    assert done[0].error is not None


def test_a_step_that_is_not_there_is_named(session, photos, tmp_path):
    done = shop().run(photos).result(60)

    for ask in (lambda: done["claen"], lambda: done.save(tmp_path, steps="claen")):
        with pytest.raises(InputError, match=r"no step 'claen'. There are clean, cut, red, again"):
            ask()


@pytest.mark.parametrize(
    ("recipe", "inputs", "more", "field", "says"),
    [
        (lambda: rf.Recipe("empty"), "x.png", {}, "steps", "has no step"),
        (shop, [], {}, "inputs", "nothing to run"),
        (shop, [{"picture": 1}], {}, "picture", "has no input 'picture'; it takes image"),
        (shop, [{"mask": 1}], {}, "mask", "has no input 'mask'"),
        (shop, "x.png", {"mask": 1}, "inputs", "no picture in x.png"),
        (shop, picture(1), {"mask": 1}, "mask", "has no input 'mask'"),
        (shop, picture(1), {"concurrency": 0}, "concurrency", "it takes 1 to 64"),
        (shop, picture(1), {"on_error": "shrug"}, "on_error", "it takes 'keep'"),
        (shop, picture(1), {"budget_usd": -1}, "budget_usd", "0 or more"),
        (
            lambda: rf.Recipe("m", inputs=("image", "mask")).then("a", "bria/background/remove"),
            [picture(1)],
            {},
            "mask",
            "also needs mask, and there is none for 1",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(session, lent, recipe, inputs, more, field, says):
    with pytest.raises(InputError, match=says) as refusal:
        recipe().run(inputs, **more)

    assert refusal.value.field == field
    assert lent.orders == 0


def test_a_model_that_does_not_run_here_is_named_with_its_step(session):
    with pytest.raises(ConfigError, match="Step 'skin': runflow/skin-fix does not run in this kernel"):
        rf.Recipe("skin").then("skin", "runflow/skin-fix").run(picture(1))


# ---------------------------------------------------------------------- what goes wrong


def test_where_a_step_fails_what_follows_is_not_sent_and_says_so(session, lent):
    done = shop().run([picture(1), picture(2, unlucky=True), picture(3)]).result(60)

    bad = done[1]
    assert lent.orders == 4 + 1 + 4
    assert [made.name for made in done.failed] == [bad.name]
    assert isinstance(bad.error, RunFailed)
    assert [item.status for item in bad.steps.values()] == ["failed", "not sent", "not sent", "not sent"]
    assert str(bad.steps["cut"].error) == "cut was not sent for 2: clean has no result, it is failed."
    assert "of 3: 2 done, 1 failed" in repr(done)


def test_a_picture_that_cannot_be_read_fails_alone(session, photos):
    (photos / "photo 0.png").write_bytes(b"no picture at all")

    done = shop().run(photos).result(60)

    assert [made.ok for made in done.items] == [False, True]
    assert isinstance(done[0].error, InputError)


def test_a_failure_stops_all_steps_if_that_is_wanted(session, lent):
    pictures = [picture(1, unlucky=True)] + [picture(number) for number in range(2, 20)]

    done = shop().run(pictures, concurrency=1, on_error="stop").result(60)

    assert lent.orders < 10
    assert done.items[18].steps["clean"].status == "not sent"
    assert done.items[18].steps["clean"].error is None


def test_a_failure_is_raised_to_each_who_waits_if_that_is_wanted(session):
    done = shop().run(picture(1, unlucky=True), on_error="raise")

    for _ in range(2):
        with pytest.raises(RunFailed, match="thirteen"):
            done.result(60)


def test_those_that_failed_are_tried_again_with_what_follows_and_the_good_ones_stay(session, lent, photos):
    good = (photos / "photo 0.png").read_bytes()
    (photos / "photo 0.png").write_bytes(b"no picture at all")
    first = shop().run(photos).result(60)
    (photos / "photo 0.png").write_bytes(good)

    second = first.retry_failed().result(60)

    assert lent.orders == 8
    assert [made.ok for made in second.items] == [True, True]
    assert [item.key for item in second[1].steps.values()] == [item.key for item in first[1].steps.values()]


def test_before_all_is_over_nothing_is_tried_again(slow, finish):
    done = rf.Recipe("one").then("a", "bria/background/remove").run(picture(1))

    with pytest.raises(ConfigError, match="not over yet"):
        done.retry_failed()

    finish()
    done.result(60)


def test_a_stop_keeps_what_is_finished_and_sends_nothing_further(slow, finish):
    recipe = rf.Recipe("two").then("a", "bria/background/remove").then("b", "runflow/tag-removal")
    done = recipe.run([picture(number) for number in range(5)], concurrency=2)
    begun = threading.Event()
    done.watch(lambda done: any(item.status == "running" for item in done["a"].items) and begun.set())
    assert begun.wait(30)

    says = done.stop()
    finish()
    done.result(60)

    assert "Nothing further is sent" in says
    assert {item.status for item in done["b"].items} == {"not sent"}
    assert done.stop() == "All is over already."


# ---------------------------------------------------------------------- money


def test_the_price_is_known_by_step_and_in_all_before_anything_is_sent(service):
    service.connect()

    quote = shop().quote(2)

    assert str(quote).splitlines() == [
        "shop, 2 pictures: at least $0.556",
        "  clean: $0.28",
        "  cut: $0.036",
        "  red: $0.24",
        "  again: price unknown",
    ]
    assert (quote.total.low, quote.steps["clean"].exact) == (Decimal("0.556"), Decimal("0.28"))
    assert service.created == 0


def test_a_quote_counts_what_run_would_take(session, photos):
    assert shop().quote(photos).count == 2
    assert shop().quote().text == "free here"
    with pytest.raises(InputError, match="no price for -1"):
        shop().quote(-1)


def paid():
    return (
        rf.Recipe("paid")
        .then("clean", "runflow/tag-removal")
        .fan_out("clean", {"red": ("runflow/background-color", RED), "cut": "bria/background/remove"})
    )


def test_above_the_budget_nothing_of_any_step_is_sent(service, photos):
    session = service.connect()

    with pytest.raises(BudgetError, match=r"cost \$0\.556 \(6 runs.*at most \$0\.50 for this call"):
        paid().run(photos, budget_usd="0.50")
    rf.budget("0.20")
    with pytest.raises(BudgetError, match=r"at most \$0\.20 per session"):
        paid().run(photos)

    assert service.created == 0
    assert session.ledger.find() == []
    done = paid().run(photos, within_budget=False)
    assert done.price.exact == Decimal("0.556")
    assert done.result(60).cost == Decimal("0.556")


def test_a_price_that_nobody_knows_is_refused_where_there_is_a_limit(service, photos):
    service.connect()

    with pytest.raises(BudgetError, match="not known"):
        shop().run(photos, budget_usd=100)

    assert service.created == 0


def test_what_is_paid_for_already_does_not_count_against_the_limit(service, photos):
    service.connect()
    paid().run(photos / "photo 0.png").result(60)

    done = paid().run(photos, budget_usd="0.28").result(60)

    assert done.price.exact == done.cost == Decimal("0.278")
    assert service.created == 6


def test_an_empty_account_ends_all_steps(service, photos):
    service.connect()
    service.refusal = (402, b'{"code": "INSUFFICIENT_CREDIT", "message": "no credit"}')

    done = paid().run([photos / "photo 0.png"] * 50, concurrency=2).result(60)

    assert service.created <= 3
    assert any(isinstance(made.error, CreditError) for made in done.failed)


# ---------------------------------------------------------------------- how it shows


def test_records_are_plain_values_one_for_each_step_of_each_picture(session, photos):
    records = shop().run(photos).result(60).to_records()

    assert json.loads(json.dumps(records)) == records
    assert [(row["name"], row["step"]) for row in records[:5]] == [
        ("photo 0", "clean"),
        ("photo 0", "cut"),
        ("photo 0", "red"),
        ("photo 0", "again"),
        ("photo 1", "clean"),
    ]


def test_a_grid_shows_the_first_rows_and_what_a_name_says_is_text(session):
    rows = [{"image": picture(1)} for _ in range(2)]
    (recipe := rf.Recipe("<script>").then("<b>", "bria/background/remove")).run(rows).result(60)

    shown = recipe.run(rows).result(60)._repr_html_()

    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "succeeded (reused)" in shown
    assert "2/2" in shown


def test_the_steps_that_were_not_sent_are_counted_apart_from_the_one_that_failed(session):
    done = shop().run([picture(1), picture(2, unlucky=True)]).result(60)

    counts = {name: (told.done, told.failed, told.not_sent) for name, told in done.progress.items()}

    assert counts == {"clean": (1, 1, 0), "cut": (1, 0, 1), "red": (1, 0, 1), "again": (1, 0, 1)}
    assert ">1/2, 1 failed<" in done.diagram()
    assert ">1/2, 1 not sent<" in done.diagram()
    assert done.note.startswith("2: The run failed")
    assert done.headline == "shop · of 2: 1 done, 1 failed · free: it runs here"
