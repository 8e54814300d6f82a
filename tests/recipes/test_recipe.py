"""A recipe as it is written: what it says, and everything that is wrong with one."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.errors import InputError
from runflow_widgets.recipes import Step
from runflow_widgets.recipes.drawing import Progress, drawn
from runflow_widgets.recipes.layout import HIGH, WIDE, laid_out

WIDE_SHOT = {"aspect_ratio": "16:9", "resolution": "1K"}
RED = {"color_red": 200, "color_green": 0, "color_blue": 0}


def shop():
    return (
        rf.Recipe("shop")
        .then("clean", "runflow/tag-removal")
        .then("isolated", "runflow/product-isolation", aspect_ratio="1:1", resolution="2K")
        .fan_out("isolated", {"wide": ("runflow/smart-resize", WIDE_SHOT), "red": ("runflow/background-color", RED)})
    )


def retouch():
    return (
        rf.Recipe("retouch", inputs=("image", "mask"))
        .then("clean", "runflow/tag-removal")
        .then("gone", "runflow/object-removal", of={"image": "clean", "mask": "mask"})
        .then("both", "google/nano-banana-pro/edit", of=["clean", "gone"], prompt="put them side by side")
    )


# ---------------------------------------------------------------------- what it says


def test_a_chain_goes_on_from_the_step_before_and_a_fan_from_one_step():
    recipe = shop()

    assert [(step.name, step.takes) for step in recipe.steps] == [
        ("clean", ("image",)),
        ("isolated", ("clean",)),
        ("wide", ("isolated",)),
        ("red", ("isolated",)),
    ]
    assert recipe.ends == ("wide", "red")
    assert recipe["red"].inputs == RED


def test_a_step_may_take_two_results_or_an_input_of_its_own():
    recipe = retouch()

    assert recipe["gone"].takes == ("clean", "mask")
    assert recipe["both"].of == {"image": ("clean", "gone")}
    assert recipe.ends == ("both",)


def test_each_method_gives_a_new_recipe_and_leaves_the_old_one():
    recipe = rf.Recipe("one").then("clean", "runflow/tag-removal")

    longer = recipe.then("cut", "bria/background/remove")

    assert (len(recipe.steps), len(longer.steps)) == (1, 2)
    assert recipe == rf.Recipe("one").then("clean", "runflow/tag-removal")


def test_as_text_each_step_stands_below_the_one_that_it_follows():
    assert str(shop()).splitlines() == [
        "shop: 4 steps, $1.08 a picture",
        "image",
        "  clean: runflow/tag-removal, $0.14",
        "    isolated: runflow/product-isolation, aspect_ratio 1:1, resolution 2K, $0.27",
        "      wide: runflow/smart-resize, aspect_ratio 16:9, resolution 1K, $0.55",
        "      red: runflow/background-color, color_red 200, color_green 0, color_blue 0, $0.12",
    ]
    assert "    gone: runflow/object-removal, also takes mask, $0.48" in str(retouch())
    assert "mask, for gone" in str(retouch())
    assert repr(shop()) == "Recipe('shop', 4 steps)"


def test_where_runs_are_computed_here_it_costs_nothing():
    rf.connect(embedded=True)

    text = str(shop())

    assert text.startswith("shop: 4 steps, free here\n")
    assert "$" not in text


def test_files_and_pictures_are_told_by_their_names():
    recipe = rf.Recipe("scene").then(
        "gone", "runflow/object-removal", of={"image": "image"}, mask=Image.new("L", (4, 4), 255)
    )

    assert "mask image.png" in str(recipe)
    assert "mask" in recipe["gone"].inputs


def test_numbers_and_lists_are_as_they_will_be_when_they_are_read_again():
    recipe = rf.Recipe("red").then(
        "red", "runflow/background-color", color_red=np.int64(7), color_green=0, color_blue=0
    )

    assert recipe == rf.Recipe.from_json(recipe.to_json())
    assert type(recipe["red"].inputs["color_red"]) is int


# ---------------------------------------------------------------------- what is wrong

ONE = rf.Recipe("one").then("clean", "runflow/tag-removal")


@pytest.mark.parametrize(
    ("make", "field", "says"),
    [
        (lambda: ONE.then("x", "runflow/tag-remova"), "x.model", "Step 'x': There is no model 'runflow/tag-remova'"),
        (lambda: ONE.then("x", 7), "x.model", "Step 'x': There is no model 7"),
        (
            lambda: ONE.then("x", "runflow/skin-fix", of="claen"),
            "x.of",
            "no step or input 'claen'. Did you mean 'clean'",
        ),
        (lambda: ONE.then("x", "runflow/skin-fix", of="x"), "x.of", "takes its own result"),
        (lambda: ONE.then("clean", "runflow/skin-fix"), "name", "The name 'clean' is taken"),
        (lambda: ONE.then("CLEAN", "runflow/skin-fix"), "name", "the same as a folder"),
        (lambda: ONE.then("image", "runflow/skin-fix"), "name", "The name 'image' is taken"),
        (lambda: ONE.then("", "runflow/skin-fix"), "name", "1 to 60 letters"),
        (lambda: ONE.then("a\nb", "runflow/skin-fix"), "name", "on one line"),
        (lambda: ONE.then(7, "runflow/skin-fix"), "name", "The name of the step is 7"),
        (lambda: rf.Recipe(""), "name", "The name of the recipe is ''"),
        (lambda: rf.Recipe("none", inputs=()), "inputs", "at least one picture"),
        (lambda: rf.Recipe("two", inputs=("image", "image")), "name", "'image' is taken"),
        (
            lambda: ONE.then("x", "runflow/smart-resize", aspect_ratio="1:1"),
            "x.resolution",
            "Step 'x': runflow/smart-resize, resolution: Resolution is missing",
        ),
        (
            lambda: ONE.then("x", "runflow/smart-resize", aspect_ratio="1:1", resolution="8K"),
            "x.resolution",
            "Resolution is '8K'; it takes '1K', '2K' or '4K'",
        ),
        (
            lambda: ONE.then("x", "bria/background/remove", colour="red"),
            "x.colour",
            "Step 'x': bria/background/remove, colour: There is no input 'colour'",
        ),
        (
            lambda: ONE.then("x", "runflow/background-color", color_red=300, color_green=0, color_blue=0),
            "x.color_red",
            "it takes a whole number from 0 to 255",
        ),
        (lambda: ONE.then("x", "black-forest-labs/flux-2-klein-4b", prompt="a mug"), "x.inputs", "takes no picture"),
        (lambda: ONE.then("x", "runflow/skin-fix", of=["image", "clean"]), "x.image", "takes one picture, not 2"),
        (lambda: ONE.then("x", "runflow/skin-fix", of=[]), "x.of", "takes no picture"),
        (lambda: ONE.then("x", "runflow/skin-fix", of=7), "x.image", "comes from 7"),
        (lambda: ONE.then("x", "runflow/skin-fix", image_url="https://x/1.png"), "x.image", "given twice"),
        (lambda: ONE.then("x", "runflow/object-removal"), "x.mask", "also needs mask"),
        (
            lambda: ONE.then("x", "google/nano-banana-pro/edit", of={"prompt": "clean"}),
            "x.prompt",
            "prompt: it takes text.* and no picture",
        ),
        (
            lambda: ONE.then("film", "alibaba/wan/v2.7/image-to-video").then("x", "runflow/skin-fix"),
            "x.image",
            "'film' makes a video",
        ),
        (lambda: ONE.then("x", "runflow/tag-removal", config={"a": {1}}), "x.config", "cannot be written as JSON"),
        (
            lambda: ONE.then("x", "runflow/product-isolation", WIDE_SHOT, prompt="rf_live_0123456789abcdef"),
            "x.prompt",
            "holds an API key",
        ),
        (lambda: shop().then("x", "runflow/skin-fix"), "x.of", "has 2 ends: 'wide', 'red'. Say which"),
        (lambda: ONE.fan_out("clean", {"x": 7}), "x.model", "it takes a model, or a model and its inputs"),
        (lambda: ONE.fan_out("clean", ["runflow/skin-fix"]), "steps", "they take a dict of names with models"),
        (lambda: ONE.fan_out("clean", {}), "steps", "they take a dict of names with models"),
        (lambda: ONE["claen"], "step", "There is no step 'claen'. There are clean."),
        (lambda: ONE.fan_out("claen", {"x": "runflow/skin-fix"}), "x.of", "Did you mean 'clean'"),
        (
            lambda: rf.Recipe("late", steps=(_step("a", "b"), _step("b", "image"))),
            "a.of",
            "Step 'a': It takes the result of 'b', which comes later",
        ),
        (
            lambda: rf.Recipe("round", steps=(_step("a", "image", "c"), _step("b", "a"), _step("c", "b"))),
            "a.of",
            "in a circle: 'a' takes 'c' takes 'b' takes 'a'",
        ),
        (
            lambda: rf.Recipe("text", steps=(Step("a", "runflow/skin-fix", {}, {"image": "/etc/hostname"}),)),
            "a.of",
            "takes no picture",
        ),
        (
            lambda: rf.Recipe(
                "text",
                steps=(Step("a", "runflow/object-removal", {"image": "image"}, {"mask": "/etc/hostname"}),),
            ),
            "a.mask",
            "takes an address or a file",
        ),
        (
            lambda: rf.Recipe("many", steps=tuple(_step(f"s{n}", "image") for n in range(101))),
            "steps",
            "100 at most",
        ),
    ],
)
def test_what_could_not_run_is_refused_in_one_sentence(make, field, says):
    with pytest.raises(InputError, match=says) as refusal:
        make()

    assert refusal.value.field == field
    assert "\n" not in str(refusal.value)


def _step(name, *of):
    model = "google/nano-banana-pro/edit" if len(of) > 1 else "runflow/skin-fix"
    return Step(name, model, {"image": of if len(of) > 1 else of[0]}, {"prompt": "x"} if len(of) > 1 else {})


def test_a_file_need_not_be_there_when_a_recipe_is_written():
    recipe = rf.Recipe("scene").then("gone", "runflow/object-removal", of={"image": "image"}, mask="nowhere/mask.png")

    assert recipe["gone"].inputs["mask"] == Path("nowhere/mask.png")


# ---------------------------------------------------------------------- the diagram


def test_every_box_and_every_arrow_is_drawn_within_the_picture():
    for recipe in (shop(), retouch(), rf.Recipe("empty")):
        root = ET.fromstring(recipe._repr_mimebundle_()["text/html"])
        _, _, width, height = map(float, root.get("viewBox").split())
        layout = laid_out(recipe.inputs, recipe.steps)

        titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]

        assert len(titles) == len(recipe.inputs) + len(recipe.steps)
        assert len(layout.arrows) == sum(len(step.takes) for step in recipe.steps)
        assert all(0 <= x <= width - WIDE and 0 <= y <= height - HIGH for x, y in layout.boxes.values())
        assert len(set(layout.boxes.values())) == len(layout.boxes)


def test_an_arrow_that_passes_other_boxes_goes_round_them():
    recipe = (
        rf.Recipe("long way")
        .then("a", "runflow/skin-fix")
        .then("b", "runflow/skin-fix")
        .then("c", "google/nano-banana-pro/edit", of=["b", "image"], prompt="x")
    )

    layout = laid_out(recipe.inputs, recipe.steps)

    passing = max(layout.arrows, key=len)
    assert len(passing) == 6
    for x, y in passing[1:-1]:
        assert not any(left < x < left + WIDE and top < y < top + HIGH for left, top in layout.boxes.values())


def test_a_long_chain_goes_down_and_a_wide_fan_stays_as_wide_as_a_chain():
    chain, fan = rf.Recipe("chain"), rf.Recipe("fan")
    for number in range(9):
        chain = chain.then(f"s{number}", "runflow/skin-fix")
        fan = fan.then(f"s{number}", "runflow/skin-fix", of="image")

    assert laid_out(chain.inputs, chain.steps).width < 200
    assert laid_out(fan.inputs, fan.steps).width < 500


def test_what_a_name_says_is_text_in_the_diagram():
    nasty = '</svg><script>alert("x")</script>&amp;'
    recipe = rf.Recipe(nasty).then(nasty[:30], "runflow/product-isolation", WIDE_SHOT, prompt='"><img src=x onerror=1>')

    drawing = recipe._repr_mimebundle_()["text/html"]

    ET.fromstring(drawing)
    assert "<script" not in drawing
    assert "<img" not in drawing
    assert html.escape(nasty) in drawing


def test_the_diagram_takes_its_colours_from_the_page():
    drawing = drawn("shop", ("image",), shop().steps, {"clean": Progress(4, 2, 1), "wide": Progress(4)})

    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawing))

    assert colours == {"currentColor", "none", "var(--rfw-good)", "var(--rfw-bad)"}
    assert "max-width:" in drawing
    assert ">2/4, 1 failed<" in drawing
    assert ">0/4<" in drawing
