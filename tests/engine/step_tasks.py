"""Work whose result is new each time, but still tells its number: so nothing is found again but by being kept."""

import os
import time
from pathlib import Path

from runflow_widgets.engine.workers import Produced, WorkDone
from runflow_widgets.images import encode_png, open_image
from runflow_widgets.images.archive import safe_unzip


def perform(order, report):
    began = time.monotonic()
    if "zip_url" in order.files:
        data = safe_unzip(Path(order.files["zip_url"]).read_bytes(), ["photo.png"])["photo.png"]
    else:
        data = Path(order.files["image_url"]).read_bytes()
    picture = open_image(data).convert("RGB")
    if picture.getpixel((0, 0)) == (13, 13, 13):
        raise ValueError("thirteen brings no luck")
    picture.putpixel((1, 1), tuple(os.urandom(3)))
    (Path(order.folder) / "made.png").write_bytes(encode_png(picture))
    produced = Produced("made.png", "image/png", *picture.size)
    return WorkDone(files=(produced,), seed=None, timing={"inference_ms": 1e3 * (time.monotonic() - began)}, log=())
