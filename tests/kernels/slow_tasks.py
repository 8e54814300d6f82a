"""Work that goes on until a file appears, so that a test decides how long a run takes."""

import os
import time
from pathlib import Path

from runflow_widgets.engine.workers import Produced, WorkDone
from runflow_widgets.images import encode_png, open_image


def perform(order, report):
    """Give the picture back once the file named by SLOW_UNTIL is there."""
    began = time.monotonic()
    until = Path(os.environ["SLOW_UNTIL"])
    until.with_suffix(".begun").touch()
    while not until.exists():
        report(0.5, "working")
        time.sleep(0.02)
    picture = open_image(order.files["image_url"])
    (Path(order.folder) / "result.png").write_bytes(encode_png(picture))
    produced = Produced("result.png", "image/png", *picture.size)
    return WorkDone(files=(produced,), seed=None, timing={"inference_ms": 1e3 * (time.monotonic() - began)}, log=())
