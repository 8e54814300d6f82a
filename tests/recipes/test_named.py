"""The recipes that come with the package run here, over the pictures that come with it."""

from __future__ import annotations

import pytest

import runflow_widgets as rf
from runflow_widgets.errors import InputError

pytestmark = pytest.mark.slow


def small(name, side=440):
    picture = rf.samples.load(name)
    picture.thumbnail((side, side))
    return picture


@pytest.mark.parametrize(
    ("name", "photo", "shapes"),
    [
        ("shop", "tagged_mug", {"isolated": 1, "portrait": 4 / 5, "wide": 16 / 9, "story": 9 / 16}),
        ("colours", "perfume", {"cut out": 4 / 5, "white": 4 / 5, "grey": 4 / 5}),
        ("retouch", "picnic", {"square": 1, "wide": 16 / 9}),
        ("banner", "tagged_mug", {"banner": 21 / 9}),
    ],
)
def test_a_bundled_recipe_gives_pictures_of_the_shapes_that_it_names(name, photo, shapes):
    rf.connect(embedded=True)
    recipe = rf.Recipe.named(name)
    more = {"mask": small("picnic_mask")} if "mask" in recipe.inputs else {}

    done = recipe.run(small(photo), **more).result(100)

    assert done[0].error is None
    for step, shape in shapes.items():
        width, height = done[step].images[0].size
        assert width / height == pytest.approx(shape, rel=0.03)


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no recipe 'shoop'.*banner, colours, retouch, shop"):
        rf.Recipe.named("shoop")


@pytest.mark.parametrize("name", ["banner", "colours", "retouch", "shop"])
def test_a_bundled_recipe_is_what_it_would_be_saved_as(name, tmp_path):
    recipe = rf.Recipe.named(name)

    assert recipe.name == name
    assert rf.Recipe.load(recipe.save(tmp_path / "copy.json")) == recipe
