"""However a picture or a zip was made, looking at it costs about as much memory and time as its pixels do."""

from __future__ import annotations

import sys

import pytest
from hostile import archives, pictures
from hostile.measured import measured

from runflow_widgets.errors import InputError
from runflow_widgets.images import open_image, safe_unzip

#: Pillow keeps a pixel in four bytes, and one of a palette for a moment in five.
MOST_MB_OPENED = 5.5 * pictures.LARGE**2 / 2**20


@pytest.mark.parametrize("name", pictures.REFUSED)
def test_what_is_no_picture_is_refused_with_what_it_is(name):
    make, sentence = pictures.REFUSED[name]

    with pytest.raises(InputError, match=sentence):
        open_image(make())


@pytest.mark.parametrize("name", archives.REFUSED)
def test_a_zip_that_lies_is_refused_with_what_it_is(name):
    make, sentence = archives.REFUSED[name]

    with pytest.raises(InputError, match=sentence) as refusal:
        safe_unzip(make(), ["photo.png"])

    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 1000


def test_a_link_in_a_zip_is_its_own_text_and_not_where_it_leads():
    members = safe_unzip(archives.link_to("/etc/passwd"), ["photo.png", "mask.png"])

    assert members["photo.png"] == b"/etc/passwd"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read as Linux tells it")
def test_nothing_costs_more_than_its_pixels():
    found = measured("hostile.costly")

    refused = {*pictures.REFUSED, *archives.REFUSED}
    assert {*found} == {*refused, *pictures.OPENED}
    assert [found[name] for name in refused if found[name][1] > 150] == []
    dear = [(name, took) for name, took in found.items() if took[0] > 10 or took[1] > MOST_MB_OPENED]
    assert dear == []
