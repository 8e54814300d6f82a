"""The bundled pictures are there, small, and what their names say."""

import numpy as np
import pytest

from runflow_widgets import samples
from runflow_widgets.errors import InputError


@pytest.mark.parametrize("name", samples.names())
def test_every_sample_opens_by_each_way_to_it(name):
    picture = getattr(samples, name)

    assert picture.size == samples.load(name).size
    assert min(picture.size) >= 800
    assert samples.path(name).is_file()
    assert name in dir(samples)
    assert name in samples.__doc__


def test_no_file_lies_there_unnamed_and_all_together_are_small():
    files = [file for file in samples.path("perfume").parent.iterdir() if file.suffix in (".jpg", ".png", ".webp")]

    assert sorted(files) == sorted(samples.path(name) for name in samples.names())
    assert sum(file.stat().st_size for file in files) < 1_200_000


def test_the_mask_fits_its_picture_and_marks_a_small_part():
    mask = np.asarray(samples.picnic_mask)

    assert samples.picnic_mask.size == samples.picnic.size
    assert set(np.unique(mask)) == {0, 255}
    assert 0.01 < (mask > 0).mean() < 0.15


def test_a_sample_may_be_changed_without_changing_the_next():
    samples.perfume.putpixel((0, 0), (1, 2, 3))

    assert samples.perfume.getpixel((0, 0)) != (1, 2, 3)


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(InputError, match=r"There are perfume, picnic"):
        samples.path("bottle")
    with pytest.raises(AttributeError, match="no attribute 'bottle'"):
        getattr(samples, "bottle")  # noqa: B009  # what a user would write is an expression without use here
