"""A recipe that was interrupted anywhere goes on where it was, and no run is paid for twice."""

from __future__ import annotations

import pytest
from lent import Lent
from PIL import Image
from service_of_steps import RED, shop

import runflow_widgets as rf
from runflow_widgets.session import current

STEPS, PHOTOS = 4, 2


def finished(done):
    return sum(item.ok for step in done.steps.values() for item in step.items)


def keys(done):
    return {(name, item.index): item.key for name, step in done.steps.items() for item in step.items if item.ok}


def interrupted_after(recipe, photos, count, **options):
    """Run until so many results are there; then nothing further is sent, and the kernel ends."""
    done = recipe.run(photos, **options)
    done.watch(lambda done: finished(done) >= count and done.stop())
    done.result(60)
    current().close()
    return done


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("count", range(STEPS * PHOTOS + 1))
def test_wherever_it_is_interrupted_every_run_is_created_once(service, photos, count, concurrency):
    service.connect()
    first = interrupted_after(shop(), photos, count, concurrency=concurrency)
    created = service.created
    assert finished(first) == created >= count

    service.connect()
    second = shop().run(photos).result(60)

    assert finished(second) == service.created == STEPS * PHOTOS
    assert sum(service.posts.values()) == STEPS * PHOTOS
    assert keys(first).items() <= keys(second).items()
    assert sum(item.reused for step in second.steps.values() for item in step.items) == created


def test_interrupted_again_and_again_it_comes_to_its_end(service, photos):
    for count in range(1, STEPS * PHOTOS + 1):
        service.connect()
        done = interrupted_after(shop(), photos, count, concurrency=1)

    assert finished(done) == service.created == STEPS * PHOTOS


def test_a_run_that_was_under_way_is_followed_and_not_created_again(service, photos):
    session = service.connect()
    service.answering.clear()
    first = shop().run(photos / "photo 0.png")
    assert service.accepted.wait(30)
    session.close()
    service.answering.set()
    first.result(60)
    before = service.created
    # What was under way has opened its connection again.
    session.close()

    service.connect()
    done = shop().run(photos / "photo 0.png").result(60)

    assert [(made.ok, str(made.error)) for made in done] == [(True, "None")], (first, done)
    assert (before, service.created) == (1, STEPS)


def test_when_it_is_called_again_everything_is_there_and_nothing_is_sent(service, photos, tmp_path):
    service.connect()
    first = shop().run(photos).result(60)
    moved = photos.rename(tmp_path / "moved")
    for path in list(moved.iterdir()):
        path.rename(path.with_stem(f"old {path.stem}"))

    second = shop().run(moved).result(60)

    assert keys(second) == keys(first)
    assert service.created == STEPS * PHOTOS
    assert second.cost == 0


def test_a_step_that_was_added_is_all_that_is_paid_for(service, photos):
    service.connect()
    shop().run(photos).result(60)

    longer = shop().then("blue", "runflow/background-color", {**RED, "color_blue": 255}, of="again")
    done = longer.run(photos).result(60)

    assert all(made.ok for made in done)
    assert service.created == (STEPS + 1) * PHOTOS


def test_a_recipe_that_was_saved_and_a_step_of_another_name_find_their_runs_again(service, photos, tmp_path):
    service.connect()
    shop().run(photos).result(60)
    path = shop().save(tmp_path / "shop.json")
    path.write_text(path.read_text().replace('"clean"', '"without tags"'))

    done = rf.Recipe.load(path).run(photos).result(60)

    assert all(item.reused for item in done["without tags"].items)
    assert service.created == STEPS * PHOTOS


def variations():
    """Two steps that differ by name only, and one after each."""
    return (
        rf.Recipe("variations")
        .fan_out("image", {"one": "runflow/tag-removal", "two": "runflow/tag-removal"})
        .then("one red", "runflow/background-color", RED, of="one")
        .then("two red", "runflow/background-color", RED, of="two")
    )


@pytest.mark.parametrize("count", range(5))
def test_equal_steps_are_variations_that_each_find_their_own(service, photos, count):
    service.connect()
    first = interrupted_after(variations(), photos / "photo 0.png", count)
    service.connect()

    done = variations().run(photos / "photo 0.png").result(60)

    assert len(set(keys(done).values())) == service.created == STEPS
    assert keys(first).items() <= keys(done).items()


def test_equal_pictures_are_runs_of_their_own_and_each_is_found_again(service):
    service.connect()
    pictures = [Image.new("RGB", (8, 6), (9, 9, 9))] * 2
    first = shop().run(pictures).result(60)

    second = shop().run(pictures).result(60)

    assert len(set(keys(first).values())) == service.created == STEPS * 2
    assert set(keys(second).values()) == set(keys(first).values())


def test_when_it_is_not_wanted_nothing_is_reused(service, photos):
    service.connect()
    shop().run(photos / "photo 0.png").result(60)

    shop().run(photos / "photo 0.png", reuse=False).result(60)

    assert service.created == 2 * STEPS


def test_made_twice_at_once_it_is_paid_for_once(service, photos):
    service.connect()

    first, second = shop().run(photos), shop().run(photos)
    first.result(60)
    second.result(60)

    assert service.created == STEPS * PHOTOS
    assert keys(first) == keys(second)


@pytest.mark.parametrize("count", range(STEPS * PHOTOS + 1))
def test_computed_here_nothing_that_is_finished_is_computed_twice(photos, count, warm):
    lent = Lent(warm)
    rf.connect(embedded=True, workers=lent)
    first = interrupted_after(shop(), photos, count, concurrency=1)
    done_before = finished(first)

    rf.connect(embedded=True, workers=(again := Lent(warm)))
    second = shop().run(photos).result(60)

    assert finished(second) == STEPS * PHOTOS
    assert again.orders == STEPS * PHOTOS - done_before
    assert keys(first).items() <= keys(second).items()
