"""The Studio without a page: versions, branches, code, and how it goes on after the kernel has ended."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from lent import Lent
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import InputError
from runflow_widgets.ledger import home
from runflow_widgets.portal import shared
from runflow_widgets.widgets.compare import Compare
from runflow_widgets.widgets.studio_versions import Version, Versions

TAGS, OBJECTS, CUTOUT = "runflow/tag-removal", "runflow/object-removal", "bria/background/remove"


@pytest.fixture(scope="module")
def warm():
    """One worker for the whole module."""
    pool = WorkerPool(1, task_module="copy_tasks")
    yield pool
    shared().call(pool.close())


@pytest.fixture(autouse=True)
def session(warm):
    return rf.connect(embedded=True, workers=Lent(warm))


@pytest.fixture
def open_studio(wire):  # noqa: F811
    opened = []

    def open_studio(*args, **more):
        opened.append(rf.studio(*args, **more))
        return opened[-1]

    yield open_studio
    for studio in opened:
        studio.close()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "red shirt.png"
    Image.fromarray(np.full((30, 40, 3), (200, 30, 30), np.uint8)).save(path)
    return path


def until(studio, condition):
    told = threading.Event()

    def look(_):
        if condition():
            told.set()

    studio.bar.observe(look)
    assert condition() or told.wait(20), studio.bar.says
    studio.bar.unobserve(look)


def run_once(studio, **values):
    before = len(studio.versions)
    studio.form.value = {**studio.form.value, **values}
    studio.form.run().result(60)
    until(studio, lambda: len(studio.bar.versions) > before and not studio.bar.busy)


# ---------------------------------------------------------------- the way through


def test_it_opens_with_a_bundled_picture_and_nothing_left_to_fill_in(open_studio):
    studio = open_studio()

    assert studio.form.validate() == {}
    assert [task["model"] for task in studio.bar.tasks][:2] == [TAGS, OBJECTS]
    assert studio.bar.task == TAGS
    assert studio.versions == ()
    with pytest.raises(InputError, match="no picture yet"):
        studio.image  # noqa: B018


def test_a_result_is_laid_beside_its_photo(open_studio, photo):
    studio = open_studio(photo)

    run_once(studio)

    first, second = studio.versions
    assert (first.path, first.label, first.parent) == (photo, "red shirt", None)
    assert (second.parent, second.model, second.key) == (first.number, TAGS, studio.form.runs[0].key)
    assert studio.bar.pair == [1, 2]
    (view,) = studio._right.children
    assert isinstance(view, Compare)
    assert [picture["label"] for picture in view.pictures] == ["1 red shirt", "2 Tag Removal"]
    assert studio.image.size == (40, 30)
    assert [Image.open(io.BytesIO(card["thumb"])).size for card in studio.bar.versions] == [(40, 30), (40, 30)]


def test_a_picture_from_memory_is_known_again_as_the_source(open_studio):
    studio = open_studio(Image.new("RGB", (40, 30), "teal"))

    run_once(studio)
    assert studio.bar.source == 1
    run_once(studio)

    assert [(version.number, version.parent) for version in studio.versions] == [(1, None), (2, 1), (3, 1)]


def test_any_version_is_gone_on_from_and_so_there_are_branches(open_studio, photo):
    studio = open_studio(photo)
    run_once(studio)

    say(studio.bar, {"do": "use", "number": 2})
    assert studio.bar.source == 2
    say(studio.bar, {"do": "task", "model": CUTOUT})
    assert studio.form.model == CUTOUT
    run_once(studio)
    studio.form.on_use(studio.form.runs[0].outputs[0])
    assert studio.bar.source == 2
    studio.use(1)
    run_once(studio)

    assert [(version.number, version.parent) for version in studio.versions] == [(1, None), (2, 1), (3, 2), (4, 1)]
    say(studio.bar, {"do": "compare", "before": 3, "after": 4})
    assert studio.bar.pair == [3, 4]


def test_a_version_that_is_taken_out_can_be_brought_back(open_studio, photo):
    studio = open_studio(photo)
    run_once(studio)
    studio.use(2)
    run_once(studio)

    say(studio.bar, {"do": "drop", "number": 2})
    assert [(version.number, version.parent) for version in studio.versions] == [(1, None), (3, 1)]
    assert studio.bar.pair == [1, 3] or set(studio.bar.pair) <= {1, 3}
    say(studio.bar, {"do": "undo"})
    assert [(version.number, version.parent) for version in studio.versions] == [(1, None), (2, 1), (3, 2)]
    say(studio.bar, {"do": "compare", "before": 9, "after": 1})
    assert studio.bar.pair != [9, 1]


def test_a_failed_run_makes_no_version_and_says_why_in_its_panel(open_studio, photo):
    studio = open_studio(photo, model=OBJECTS)

    with pytest.raises(InputError, match="Mask is missing"):
        studio.form.run()

    assert studio.versions == ()


@pytest.mark.slow
def test_the_mask_of_a_run_tells_what_changed_outside_of_it(open_studio, photo, tmp_path):
    mask = tmp_path / "mask.png"
    Image.fromarray(np.pad(np.full((10, 10), 255, np.uint8), ((10, 10), (10, 20)))).save(mask)
    rf.connect(embedded=True, workers=WorkerPool(1))
    studio = open_studio(photo, model=OBJECTS)

    run_once(studio, mask=mask)

    (view,) = studio._right.children
    assert view.mask


# ---------------------------------------------------------------- code and files


def test_the_code_makes_the_latest_version_again(open_studio, photo):
    studio = open_studio(photo)
    run_once(studio, config={"aspect_ratio": "1:1"})
    studio.use(2)
    studio.form.model = CUTOUT
    run_once(studio)

    code = studio.code()

    assert studio.bar.code == code
    names = {}
    exec(compile(code, "cell", "exec"), names)
    assert (names["step_1"].model, names["step_2"].model) == (TAGS, CUTOUT)
    assert names["step_1"].inputs["config"] == {"aspect_ratio": "1:1"}
    assert np.array_equal(np.asarray(names["step_2"].image), np.asarray(studio.image))


def test_everything_is_downloaded_in_one_zip(open_studio, photo, wire, tmp_path):  # noqa: F811
    studio = open_studio(photo)
    run_once(studio)

    say(studio.bar, {"do": "zip"})

    content, (data,) = wire.custom(studio.bar)[-1]
    assert content["name"] == "studio.zip"
    for archive in (io.BytesIO(bytes(data)), studio.save(tmp_path / "new" / "all.zip")):
        with zipfile.ZipFile(archive) as packed:
            assert packed.namelist() == ["1-red-shirt.png", "2-tag-removal.png", "2-tag-removal.py"]
            assert packed.read("1-red-shirt.png") == photo.read_bytes()
            assert b"rf.run(" in packed.read("2-tag-removal.py")


# ---------------------------------------------------------------- kept


def settle(studio):
    """What is to be kept is on disk."""
    studio._background.quietly(lambda: None).result(20)


def test_with_a_key_it_goes_on_where_it_was_left(open_studio, photo):
    studio = open_studio(photo, key="shirts")
    run_once(studio, config={"aspect_ratio": "1:1"})
    studio.use(2)
    studio.form.model = CUTOUT
    settle(studio)
    versions = studio.versions

    again = open_studio(key="shirts")

    assert again.versions == versions
    assert (again.form.model, again.bar.source, again.bar.pair) == (CUTOUT, 2, [1, 2])
    assert again.form.value == {"image_url": str(versions[1].path)}
    assert isinstance(again._right.children[0], Compare)
    run_once(again)
    assert again.versions[-1].number == 3


def test_a_run_that_was_under_way_is_followed_again(open_studio, photo, slow, finish):
    studio = open_studio(photo, key="shirts")
    run = studio.form.run()
    settle(studio)
    assert json.loads((home() / "studio" / "shirts.json").read_text())["open"][0]["key"] == run.key
    studio.form.reset()
    settle(studio)

    again = open_studio(key="shirts")
    finish()
    run.result(60)
    until(again, lambda: len(again.bar.versions) == 2)

    assert [(version.path, version.key) for version in again.versions[:1]] == [(photo, "")]
    assert (again.versions[-1].key, again.versions[-1].parent) == (run.key, 1)
    settle(again)
    assert json.loads((home() / "studio" / "shirts.json").read_text())["open"] == []


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"open": [3, {"key": "x"}]}', '{"versions": 7}', '{"versions": [{"path": "/no/where"}, 3]}', "{"],
)
def test_a_file_that_cannot_be_read_is_no_hindrance(open_studio, text):
    (home() / "studio").mkdir(parents=True)
    (home() / "studio" / "odd.json").write_text(text)

    assert open_studio(key="odd").versions == ()


def test_a_name_leads_nowhere_but_into_the_folder_of_studios(open_studio, photo):
    studio = open_studio(photo, key="../../evil name")
    run_once(studio)
    settle(studio)

    assert [path.name for path in (home() / "studio").iterdir()] == [".._.._evil_name.json"] or [
        path.parent for path in (home() / "studio").iterdir()
    ] == [home() / "studio"]


def test_without_a_key_nothing_is_kept(open_studio, photo):
    studio = open_studio(photo)
    run_once(studio)
    settle(studio)

    assert not (home() / "studio").exists()


# ---------------------------------------------------------------- versions by themselves


def made(number, parent):
    return Version(0, Path(f"{number}.png"), f"v{number}", parent=parent, model="a/b", slot="image_url")


def test_the_way_to_a_version_leads_over_its_parents():
    versions = Versions()
    first = versions.photo(Path("a.png"), "a")
    assert versions.photo(Path("a.png"), "other name") is first
    second = versions.add(made(2, 1))
    third = versions.add(made(3, 2))
    versions.add(made(4, 1))

    assert versions.way_to(third.number) == (first, second, third)
    versions.drop(2)
    assert [version.number for version in versions.way_to(3)] == [1, 3]
    versions.undo()
    assert [version.number for version in versions.way_to(3)] == [1, 2, 3]
    assert versions.add(made(5, None)).number == 5
    with pytest.raises(InputError, match="no version 9"):
        versions[9]
