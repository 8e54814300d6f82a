"""Networks that look for the subject: what the bundled one says of photos, and how others are asked."""

from concurrent.futures import ThreadPoolExecutor

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from runflow_widgets.engine.models.cutout import cut_out
from runflow_widgets.engine.models.network_files import open_network
from runflow_widgets.engine.models.onnx_header import input_size
from runflow_widgets.engine.models.subject_nets import BUNDLED, RECIPES, bundled, subject_net
from runflow_widgets.errors import InputError


def test_the_bundled_file_is_small_and_read_once():
    assert BUNDLED.stat().st_size < 6e6
    assert bundled() is bundled()


def test_the_bundled_network_needs_no_extra():
    assert open_network(str(BUNDLED), 320).engine == "OpenCV"


@pytest.mark.parametrize("size", [(64, 64), (90, 400), (700, 300), (320, 320)])
def test_a_map_lies_between_0_and_1_on_the_networks_own_square(size):
    photo = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)

    likely = bundled().look_at(photo)

    assert likely.shape == (320, 320)
    assert likely.dtype == np.float32
    assert 0 <= likely.min() <= likely.max() <= 1


def test_threads_get_what_one_alone_gets(scenes):
    photos = [scenes.disc(radius=radius)[0] for radius in (25, 40, 55, 70)]

    alone = [bundled().look_at(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(bundled().look_at, photos))

    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_it_follows_the_subject_and_not_the_middle(scenes):
    left, right = (bundled().look_at(scenes.disc(centre=(90, x), radius=35)[0]) for x in (60, 180))

    assert left[:, :147].mean() > 5 * left[:, 173:].mean()
    assert right[:, 173:].mean() > 5 * right[:, :147].mean()


@pytest.mark.parametrize(("kind", "gain"), [("isnet", 3), ("u2net", 1), ("rmbg", 5), ("birefnet", 8)])
def test_a_network_of_each_kind_finds_what_it_is_made_to_find(tmp_path, ball, kind, gain):
    photo, truth = ball

    found = cut_out(photo, subject_net(kind, networks.redness(tmp_path / "net.onnx", gain=gain)))

    assert (found.mask & truth).sum() / (found.mask | truth).sum() > 0.9
    assert found.network == f"{kind} (net.onnx)"


@pytest.mark.parametrize("kind", RECIPES)
def test_no_network_makes_a_subject_of_a_wall(tmp_path, kind):
    wall = np.full((80, 100, 3), 90, np.uint8)
    wall[:, 50:] += 2

    found = cut_out(wall, subject_net(kind, networks.redness(tmp_path / f"{kind}.onnx", gain=0.1)))

    assert not found.mask.any()
    assert found.confidence == 0


def test_what_opencv_cannot_run_onnxruntime_does(tmp_path, ball):
    photo, truth = ball
    # Sound and unusual: OpenCV has no such layer.
    node = helper.make_node("Conv", ["x", "w"], ["c"])
    odd = helper.make_node("BitShift", ["i", "s"], ["b"], direction="LEFT")
    nodes = [
        node,
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Cast", ["r"], ["i"], to=TensorProto.UINT32),
        odd,
        helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
    ]
    constants = [
        ("w", TensorProto.FLOAT, [1, 3, 1, 1], np.array([1, -1, 0], np.float32)),
        ("s", TensorProto.UINT32, [1], [0]),
    ]
    path = networks.save(
        tmp_path / "odd.onnx", nodes, [networks.image("x", 3, 64)], [networks.image("y", 1, 64)], constants
    )

    found = cut_out(photo, subject_net("u2net", path))

    assert open_network(path, 320).engine == "onnxruntime"
    assert (found.mask & truth).sum() / (found.mask | truth).sum() > 0.9


def test_a_file_that_is_no_network_is_a_sentence(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no network")

    with pytest.raises(InputError, match="cannot be opened as a network"):
        open_network(str(path), 320)


@pytest.mark.parametrize("sides", [(64, 64), (48, 96)])
def test_a_file_tells_the_size_it_was_made_for(tmp_path, sides):
    height, width = sides
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, height, width])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, height, width])
    path = networks.save(tmp_path / "net.onnx", [helper.make_node("Relu", ["x"], ["y"])], [picture], [answer])

    assert input_size(tmp_path / "net.onnx") == (width, height)
    assert open_network(path, 320).size == (width, height)


def test_a_file_for_any_size_is_asked_at_the_usual_one(tmp_path):
    picture, answer = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, "h", "w"]) for n in "xy")
    path = networks.save(tmp_path / "net.onnx", [helper.make_node("Relu", ["x"], ["y"])], [picture], [answer])

    assert input_size(tmp_path / "net.onnx") is None
    assert open_network(path, 96).size == (96, 96)


@pytest.mark.parametrize("content", [b"", b"\x3a", b"\xff" * 40, b"x" * 500, b"\x3a\x05abc"])
def test_what_is_no_network_has_no_size(tmp_path, content):
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)

    assert input_size(path) is None


def test_the_bundled_file_is_a_network_of_320_pixels_with_its_checks():
    onnx.checker.check_model(str(BUNDLED))

    assert input_size(BUNDLED) == (320, 320)


def test_origin_and_licence_stand_beside_the_weights():
    notice = BUNDLED.with_name("NOTICE").read_text(encoding="utf-8")

    assert BUNDLED.name in notice
    assert "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8" in notice
    assert "Apache License" in BUNDLED.with_name("LICENSE-APACHE-2.0").read_text(encoding="utf-8")
