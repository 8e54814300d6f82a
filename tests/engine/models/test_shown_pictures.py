"""What `make demo`, the notebooks and `make gallery` show holds nothing that the photo does not."""

import numpy as np
import pytest
from gallery import pictures, without_object, without_tags
from plausible import out_of_range

from runflow_widgets import samples
from runflow_widgets.engine.models.cutout import DOUBTFUL, cut_out
from runflow_widgets.engine.models.inpaint import inpaint
from runflow_widgets.engine.models.isolate import frame_of, isolate, stands
from runflow_widgets.engine.models.matting import own_colours, refine
from runflow_widgets.engine.models.rim import with_rim
from runflow_widgets.engine.models.tags import remove_tags
from runflow_widgets.images import from_array, read_mask, to_array

PHOTOS = ("perfume", "picnic", "plant", "tagged_mug")


def photo_of(name):
    return to_array(samples.load(name).convert("RGB"))


def changed(before, after):
    return (before != after).any(axis=2)


def test_the_ball_of_the_picnic_goes_without_a_dark_or_a_bright_spot():
    photo = photo_of("picnic")
    mask = to_array(read_mask(samples.load("picnic_mask"), photo.shape[1::-1])) > 0

    filled = inpaint(photo, hole := with_rim(photo, mask))

    assert out_of_range(filled, hole) == 0
    assert np.array_equal(filled[~hole], photo[~hole])


def test_the_tags_of_the_mug_go_without_a_dark_or_a_bright_spot():
    photo = photo_of("tagged_mug")

    cleaned, tags = remove_tags(photo)

    assert len(tags) == 2
    assert out_of_range(cleaned, changed(photo, cleaned)) == 0


@pytest.mark.parametrize("name", PHOTOS)
def test_an_isolated_sample_is_whole_sure_and_stands(name):
    photo = photo_of(name)
    found = cut_out(photo)
    alpha = refine(photo, found.mask)

    picture, _ = isolate(own_colours(photo, alpha), alpha, frame_of((1, 1), 512))

    assert found.confidence > DOUBTFUL
    assert picture[0, 0].tolist() == [250, 250, 250]
    assert name == "picnic" or stands(photo, alpha)


@pytest.mark.slow
@pytest.mark.parametrize("act", [without_tags, without_object])
def test_every_picture_of_the_gallery_is_plausible(act):
    for name, photo in pictures(None, 12):
        before, _, after = act(photo)[0]
        hole = changed(to_array(before), to_array(after))

        assert out_of_range(to_array(after), hole) < 0.001, name
    assert from_array(photo).size == before.size
