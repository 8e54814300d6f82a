"""Opening networks: ONNX files, run by OpenCV where it can and by onnxruntime where it must.

OpenCV is there anyway; onnxruntime is an extra. What OpenCV can run shows only when it runs: some files it reads and
then fails on, so each is tried once on an empty picture when it is opened.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .onnx_header import input_size

Tensor = NDArray[Any]


class Network(Protocol):
    """A network with one picture in and one answer out.

    Attributes:
        size: Width and height of the pictures it takes.
        engine: Who runs it.
    """

    size: tuple[int, int]
    engine: str

    def run(self, picture: Tensor) -> Tensor:
        """The first answer to a picture: 1 × channels × height × width."""


@functools.cache
def open_network(path: str, usual_px: int) -> Network:
    """A network of a file, opened once per process; squares of `usual_px` are for those that take any size.

    Raises:
        InputError: Neither OpenCV nor onnxruntime can open or run it, or onnxruntime is missing and needed.
    """
    size = input_size(Path(path)) or (usual_px, usual_px)
    try:
        return _ByOpenCV(path, size)
    except cv2.error as error:
        reason = _first_line(error)
    try:
        return _ByOnnxruntime(path, size)
    except ImportError:
        raise InputError(
            f"OpenCV cannot run {path} ({reason}), and onnxruntime, which might, is not installed.",
            advice="pip install 'runflow-widgets[neural]'",
        ) from None


def open_session(path: str) -> Any:
    """An onnxruntime session, with as little memory as it takes.

    Raises:
        ImportError: onnxruntime is not installed.
        InputError: The file is no network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, cv2.getNumThreads())
    options.log_severity_level = 3
    # Its arena keeps for later what a run has taken once, and doubles what it asks for: a process runs one at a time.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime has a class of its own for each way in which a file can be wrong.
        raise InputError(
            f"{path} cannot be opened as a network: {_first_line(error)}", advice="Fetch it again."
        ) from error


class _ByOpenCV:
    engine = "OpenCV"

    def __init__(self, path: str, size: tuple[int, int]) -> None:
        self._net = cv2.dnn.readNetFromONNX(path)
        # A network of OpenCV keeps its input between two calls, so no other thread may come between.
        self._lock = threading.Lock()
        self._answer = self._net.getUnconnectedOutLayersNames()[0]
        self.size = size
        self.run(np.zeros((1, 3, size[1], size[0]), np.float32))

    def run(self, picture: Tensor) -> Tensor:
        with self._lock:
            self._net.setInput(picture)
            return np.array(self._net.forward(self._answer))


class _ByOnnxruntime:
    engine = "onnxruntime"

    def __init__(self, path: str, size: tuple[int, int]) -> None:
        self._session = open_session(path)
        self._input = self._session.get_inputs()[0]
        self.size = size

    def run(self, picture: Tensor) -> Tensor:
        kind = np.float16 if self._input.type == "tensor(float16)" else np.float32
        return np.asarray(self._session.run(None, {self._input.name: picture.astype(kind)})[0], np.float32)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
