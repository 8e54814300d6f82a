"""A mask that is saved comes back with its picture, and nothing that was saved is ever lost or in the way."""

import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from runflow_widgets.painting import Box, Patch, Sheet
from runflow_widgets.painting.keep import Keeper, digest

SIZE = (40, 30)


def a_sheet(*boxes):
    sheet = Sheet(SIZE)
    for box in boxes:
        sheet.paint(Patch(Box(*box), np.ones((box[3] - box[1], box[2] - box[0]), np.bool_)))
    return sheet


def files(home):
    return sorted(path.name for path in (home / "pads").iterdir())


def test_a_saved_mask_comes_back():
    drawn, fresh = a_sheet((3, 4, 20, 12)), Sheet(SIZE)

    Keeper("sofa", "photo-1", SIZE).save(drawn)
    sentence = Keeper("sofa", "photo-1", SIZE).restore(fresh)

    assert sentence == "The mask that was drawn last, with 11 % marked, was restored."
    assert np.array_equal(fresh.pixels, drawn.pixels)


def test_restoring_is_one_step_that_can_be_undone():
    Keeper("sofa", "photo-1", SIZE).save(a_sheet((3, 4, 20, 12)))
    fresh = a_sheet((0, 0, 1, 1))

    Keeper("sofa", "photo-1", SIZE).restore(fresh)

    assert fresh.step_names == ("stroke", "restore")
    fresh.undo()
    assert fresh.bbox == Box(0, 0, 1, 1)


def test_the_latest_mask_counts():
    keeper, sheet, fresh = Keeper("sofa", "photo-1", SIZE), a_sheet((3, 4, 20, 12)), Sheet(SIZE)
    keeper.save(sheet)
    sheet.invert()

    keeper.save(sheet)
    keeper.restore(fresh)

    assert np.array_equal(fresh.pixels, sheet.pixels)


def test_there_is_nothing_to_restore_at_first():
    fresh = Sheet(SIZE)

    assert Keeper("sofa", "photo-1", SIZE).restore(fresh) is None
    assert fresh.version == 0


def test_a_mask_that_was_cleared_stays_cleared():
    keeper, sheet, fresh = Keeper("sofa", "photo-1", SIZE), a_sheet((3, 4, 20, 12)), Sheet(SIZE)
    keeper.save(sheet)
    sheet.clear()

    keeper.save(sheet)

    assert keeper.restore(fresh) is None
    assert fresh.version == 0


def test_an_untouched_mask_does_not_replace_a_saved_one(home):
    keeper, fresh = Keeper("sofa", "photo-1", SIZE), Sheet(SIZE)
    keeper.save(a_sheet((3, 4, 20, 12)))

    keeper.save(Sheet(SIZE))
    keeper.restore(fresh)

    assert fresh.bbox == Box(3, 4, 20, 12)


def test_another_picture_under_the_same_key_begins_empty_and_the_first_mask_is_kept():
    first, second = Keeper("sofa", "photo-1", SIZE), Keeper("sofa", "photo-2", SIZE)
    first.save(a_sheet((3, 4, 20, 12)))
    fresh, again = Sheet(SIZE), Sheet(SIZE)

    sentence = second.restore(fresh)
    second.save(a_sheet((0, 0, 2, 2)))
    first.restore(again)

    assert "belongs to another picture" in sentence
    assert fresh.version == 0
    assert again.bbox == Box(3, 4, 20, 12)


@pytest.mark.parametrize("key", ["", "../../etc/x", "a/b\\c:d*", "🛋️ sofa", "x" * 5000, "\ud800", "CON", "a\0b"])
def test_any_text_may_be_a_key(key, home):
    keeper, fresh = Keeper(key, "photo-1", SIZE), Sheet(SIZE)

    failure = keeper.save(a_sheet((3, 4, 20, 12)))
    keeper.restore(fresh)

    assert failure is None
    assert fresh.coverage > 0
    assert [path.parent for path in home.rglob("*.png")] == [home / "pads"]


def test_keys_do_not_get_into_each_others_way():
    Keeper("sofa", "photo-1", SIZE).save(a_sheet((3, 4, 20, 12)))

    assert Keeper("Sofa", "photo-1", SIZE).restore(Sheet(SIZE)) is None


def test_the_file_is_a_picture_of_one_bit_that_says_what_it_belongs_to(home):
    keeper = Keeper("my sofa", "photo-1", SIZE)

    keeper.save(a_sheet((3, 4, 20, 12)))

    image = Image.open(keeper.path)
    about = json.loads(image.text["runflow-pad"])
    assert (image.mode, image.size, image.getbbox()) == ("1", SIZE, (3, 4, 20, 12))
    assert (about["key"], about["photo"], about["size"], about["version"]) == ("my sofa", "photo-1", [40, 30], 1)
    assert files(home) == [keeper.path.name]


def cut_short(data):
    return data[: len(data) // 2]


def flipped_in_the_middle(data):
    return data[:-40] + bytes([data[-40] ^ 0xFF]) + data[-39:]


def another_size(data):
    return png(Image.new("1", (30, 40)))


def without_a_word(data):
    return png(Image.new("1", SIZE, 1))


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: b"nonsense", cut_short, flipped_in_the_middle, another_size, without_a_word],
)
def test_a_damaged_file_is_set_aside_and_said_and_the_next_save_works(damage, home):
    keeper, fresh, again = Keeper("sofa", "photo-1", SIZE), Sheet(SIZE), Sheet(SIZE)
    keeper.save(a_sheet((3, 4, 20, 12)))
    keeper.path.write_bytes(damage(keeper.path.read_bytes()))

    sentence = keeper.restore(fresh)
    keeper.save(a_sheet((0, 0, 2, 2)))
    keeper.restore(again)

    assert "damaged" in sentence
    assert fresh.version == 0
    assert again.bbox == Box(0, 0, 2, 2)
    assert len([name for name in files(home) if ".damaged-" in name]) == 1


def test_where_nothing_can_be_written_a_sentence_says_so(home):
    home.mkdir()
    (home / "pads").write_text("a file where the folder should be")

    sentence = Keeper("sofa", "photo-1", SIZE).save(a_sheet((3, 4, 20, 12)))

    assert sentence.startswith("The mask cannot be saved in")


def test_what_cannot_be_read_is_said(home):
    keeper = Keeper("sofa", "photo-1", SIZE)
    keeper.path.mkdir(parents=True)

    assert keeper.restore(Sheet(SIZE)).startswith("The saved mask cannot be read")


def test_saves_from_many_threads_leave_one_whole_file(home):
    keeper, sheet = Keeper("sofa", "photo-1", SIZE), a_sheet((3, 4, 20, 12))

    def paint_and_save(column):
        sheet.paint(Patch(Box(column, 20, column + 1, 25), np.ones((5, 1), np.bool_)))
        keeper.save(sheet)

    threads = [threading.Thread(target=paint_and_save, args=(column,)) for column in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fresh = Sheet(SIZE)
    keeper.restore(fresh)

    assert np.array_equal(fresh.pixels, sheet.pixels)
    assert files(home) == [keeper.path.name]


def test_a_digest_tells_pictures_apart_by_pixels_and_by_shape():
    photo = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    other = photo.copy()
    other[3, 5, 2] += 1

    digests = {digest(photo), digest(other), digest(photo.reshape(6, 4, 3))}

    assert len(digests) == 3
    assert digest(photo) == digest(photo.copy()) == digest(np.asfortranarray(photo))
