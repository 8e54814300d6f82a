"""Make one network of several: each pixel gets the mean of what they say, which is steadier than any of them.

Example:
    python tests/training/tags/join.py prints.onnx dots.onnx tag_net.onnx
"""

import argparse
from pathlib import Path

import onnx
from onnx import compose, helper


def main():
    """Read the arguments, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", type=Path, nargs="+")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    onnx.save(joined([onnx.load(path) for path in arguments.networks]), arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB")


def joined(networks):
    """One network with the input of the first; all must take and give the same."""
    parts = [
        compose.add_prefix(network, f"part{number}_", rename_inputs=False).graph
        for number, network in enumerate(networks)
    ]
    first = networks[0]
    mean = helper.make_node("Mean", [part.output[0].name for part in parts], [first.graph.output[0].name])
    graph = helper.make_graph(
        [*(node for part in parts for node in part.node), mean],
        "joined",
        first.graph.input,
        first.graph.output,
        [values for part in parts for values in part.initializer],
    )
    whole = helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)
    onnx.checker.check_model(whole, full_check=True)
    return whole


if __name__ == "__main__":
    main()
