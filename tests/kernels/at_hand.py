"""What a reader of the README and of the docstrings has lying about: pictures, a mask, a folder of photos."""

from __future__ import annotations

from pathlib import Path

import runflow_widgets as rf

#: Nothing leaves this machine: whatever asks for a host outside is refused at once; and no key is kept anywhere.
ENVIRONMENT = {"HTTPS_PROXY": "http://127.0.0.1:9", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

small = {name: rf.samples.load(name).resize((300, 250)) for name in ("tagged_mug", "perfume", "plant", "picnic")}
photo, mask = rf.samples.load("picnic").resize((320, 240)), rf.samples.load("picnic_mask").resize((320, 240))
secret = "whsec_README"


def lay_out() -> None:
    """Write the files into the folder that one works in."""
    for name in ("shirt.jpg", "mug.jpg", "before.png", "after.png", "photo.jpg"):
        small["tagged_mug"].save(name)
    small["perfume"].save("bottle.jpg")
    photo.save("street.jpg")
    mask.resize((300, 250)).save("mask.png")
    for folder in ("photos", "holiday"):
        Path(folder).mkdir()
    for name in ("plant", "perfume"):
        small[name].save(f"photos/{name}.jpg")
    small["plant"].save("holiday/beach.jpg")
    turned = [small["plant"].rotate(5 * turn) for turn in range(1, 12)]
    small["plant"].save("dance.gif", save_all=True, append_images=turned)
