"""Tiny networks in the formats of the large ones, made on the spot: they do something simple whose answer is known."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper


def save(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [helper.make_tensor(*constant) for constant in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return str(path)


def image(name, channels, size, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, [1, channels, size, size])


def redness(path, size=64, *, gain=1.0):
    """A cut-out network: how much redder than green a pixel is, times `gain`."""
    weights = ("w", TensorProto.FLOAT, [1, 3, 1, 1], np.array([gain, -gain, 0], np.float32))
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    return save(path, [node], [image("x", 3, size)], [image("y", 1, size)], [weights])


def paint(path, size=64, *, colour=(0.0, 0.5, 1.0), scale=1.0):
    """An inpainting network like LaMa: the photo where the mask is 0, one colour where it is 1."""
    one = ("one", TensorProto.FLOAT, [1], [1.0])
    paint_ = ("c", TensorProto.FLOAT, [1, 3, 1, 1], np.array(colour, np.float32))
    factor = ("k", TensorProto.FLOAT, [1], [scale])
    nodes = [
        helper.make_node("Sub", ["one", "mask"], ["keep"]),
        helper.make_node("Mul", ["image", "keep"], ["kept"]),
        helper.make_node("Mul", ["c", "mask"], ["painted"]),
        helper.make_node("Add", ["kept", "painted"], ["sum"]),
        helper.make_node("Mul", ["sum", "k"], ["y"]),
    ]
    inputs = [image("image", 3, size), image("mask", 1, size)]
    return save(path, nodes, inputs, [image("y", 3, size)], [one, paint_, factor])


def invert_hole(path, size=64):
    """An inpainting network like MI-GAN: bytes in and out, the hole black in its mask; holes become white."""
    kinds = {"to": TensorProto.FLOAT}
    bytes_of = {"to": TensorProto.UINT8}
    white = ("white", TensorProto.FLOAT, [1], [255.0])
    nodes = [
        helper.make_node("Cast", ["image"], ["f"], **kinds),
        helper.make_node("Cast", ["mask"], ["m"], **kinds),
        helper.make_node("Sub", ["white", "m"], ["holes"]),
        helper.make_node("Max", ["f", "holes"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["y"], **bytes_of),
    ]
    inputs = [image("image", 3, size, TensorProto.UINT8), image("mask", 1, size, TensorProto.UINT8)]
    return save(path, nodes, inputs, [image("y", 3, size, TensorProto.UINT8)], [white])


def whiteness(path, size=384, *, base=1.0, share=0.0):
    """A tag finder: how white a pixel is, at half the size, as the likelihood of a tag; of a string there is none.

    White counts `base`, and `share` times how much of the picture is white.
    """
    weights = ("w", TensorProto.FLOAT, [2, 3, 1, 1], np.array([[[[0.05]]] * 3, [[[0.0]]] * 3], np.float32).ravel())
    bias = ("b", TensorProto.FLOAT, [2], [-30.0, -30.0])
    factors = [(name, TensorProto.FLOAT, [1, 2, 1, 1], [value] * 2) for name, value in (("k", share), ("a", base))]
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["s"]),
        helper.make_node("AveragePool", ["s"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["s"], ["g"]),
        helper.make_node("Mul", ["g", "k"], ["gk"]),
        helper.make_node("Add", ["gk", "a"], ["factor"]),
        helper.make_node("Mul", ["p", "factor"], ["y"]),
    ]
    return save(path, nodes, [image("x", 3, size)], [image("y", 2, size // 2)], [weights, bias, *factors])
