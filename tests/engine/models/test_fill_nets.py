"""Networks are fed as their kinds want it, and only what they may change is changed."""

import networks
import numpy as np
import pytest

from runflow_widgets.engine.models.fill_nets import FILLERS, fill_by
from runflow_widgets.engine.models.subject_nets import RECIPES
from runflow_widgets.errors import InputError


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_a_hole_is_filled_whichever_range_the_network_answers_in(tmp_path, ball, scale):
    photo, hole = ball

    filled = fill_by(photo, hole, "lama", networks.paint(tmp_path / "net.onnx", scale=scale))

    assert np.array_equal(filled[~hole], photo[~hole])
    inner = hole & (np.hypot(*(np.mgrid[0:90, 0:120] - np.array([45, 60])[:, None, None])) < 20)
    assert np.abs(filled[inner].astype(int) - (0, 128, 255)).max() <= 2


def test_a_network_that_wants_bytes_and_a_black_hole_gets_them(tmp_path, ball):
    photo, hole = ball

    filled = fill_by(photo, hole, "migan", networks.invert_hole(tmp_path / "net.onnx"))

    assert np.array_equal(filled[~hole], photo[~hole])
    assert filled[45, 60].tolist() == [255, 255, 255]


def test_holes_far_apart_are_filled_one_by_one(tmp_path):
    photo = np.full((100, 400, 3), 90, np.uint8)
    hole = np.zeros((100, 400), bool)
    hole[40:50, 20:30] = hole[40:50, 370:380] = True
    steps = []

    filled = fill_by(photo, hole, "lama", networks.paint(tmp_path / "net.onnx"), lambda share, _: steps.append(share))

    assert len(steps) == 2
    assert (filled[45, 25, 2], filled[45, 375, 2]) == (255, 255)


def test_a_file_that_is_no_network_is_a_sentence(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no network")

    with pytest.raises(InputError, match="cannot be opened as a network"):
        fill_by(np.zeros((9, 9, 3), np.uint8), np.eye(9) > 0, "lama", str(path))


def test_no_kind_does_both():
    assert not set(RECIPES) & set(FILLERS)
