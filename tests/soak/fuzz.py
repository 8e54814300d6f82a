"""Coverage-guided fuzzing of what opens files of strangers, by atheris (libFuzzer with eyes for Python).

    python tests/soak/fuzz.py picture 600            # ten minutes on one entrance
    python tests/soak/fuzz.py all 600                # ten minutes on all of them, one after the other
    python tests/soak/fuzz.py everything 10          # every input is shown to all of them
    python tests/soak/fuzz.py picture 0 crash-…      # one input again, with its traceback

Anything but an `InputError` is a finding, and so is an input that takes five seconds or two gigabytes. What was found
is kept in the folder `fuzz-findings`. The tests run this for a few seconds.
"""

from __future__ import annotations

import multiprocessing
import random
import struct
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
FINDINGS = Path("fuzz-findings")
WATCHED = ("runflow_widgets.images", "runflow_widgets.settings", "PIL", "zipfile")
MOST_BYTES = 60_000

sys.path.insert(0, str(TESTS))


def entrances():
    """What is called, by the name of its entrance; imported here, for they are to be watched."""
    from runflow_widgets import images, settings
    from runflow_widgets.errors import InputError

    def picture(data):
        opened = images.open_image(data, max_pixels=1_000_000)
        assert opened.mode in ("L", "RGB", "RGBA")
        assert images.open_image(images.encode_png(opened)).size == opened.size

    def mask(data):
        assert images.read_mask(data, (64, 48)).size == (64, 48)

    def archive(data):
        for name, member in images.safe_unzip(data, ["photo.png", "mask.png"], limit_bytes=1_000_000).items():
            assert len(member) <= 1_000_000, name

    def uri(data):
        content, kind = images.read_data_uri(data.decode("latin-1"))
        assert isinstance(content, bytes)
        assert isinstance(kind, str)

    def chunks(data):
        settings.settings_of(data)
        told = settings.Settings(model="a/b", inputs={"prompt": "x"})
        changed = settings.with_settings(data, told)
        assert changed == data or settings.settings_of(changed).model == "a/b"

    def guarded(entrance):
        def call(data):
            try:
                entrance(data)
            except InputError:
                return

        return call

    found = {name: guarded(entrance) for name, entrance in list(locals().items()) if name in SEEDS}

    def everything(data):
        for entrance in found.values():
            entrance(data)

    return {**found, "everything": everything}


def small(corpus):
    """What is quickly made and small enough to be changed."""
    for name, (make, _) in corpus.items():
        if not any(word in name for word in ("GB", "MB", "lies", "million")) and len(data := make()) < MOST_BYTES:
            yield data


def pictures():
    """A small honest one of every kind, and the hostile ones."""
    from hostile import pictures
    from PIL import Image

    plain = Image.linear_gradient("L").resize((64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield pictures.saved(plain.convert(mode), "PNG", exif=exif)
    yield pictures.saved(plain.convert("F"), "TIFF")
    for mode in ("L", "RGB", "CMYK"):
        yield pictures.saved(plain.convert(mode), "JPEG", exif=exif, progressive=mode == "RGB")
    for compression in (None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"):
        mode = "1" if compression == "group4" else "RGB"
        yield pictures.saved(plain.convert(mode), "TIFF", compression=compression)
    frames = {"save_all": True, "append_images": [plain.rotate(90)]}
    for kind, more in (("GIF", frames), ("WEBP", frames), ("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", frames)):
        yield pictures.saved(plain, kind, **more)
    yield pictures.bmp_of_run_lengths(64, 48, b"\0\x03abc\0\0\x40\x07\0\x02\x01\x01\0\x01")
    yield from small(pictures.REFUSED)


def archives():
    from hostile import archives
    from hostile.pictures import plain

    yield archives.packed({"photo.png": plain(), "mask.png": plain(), "__MACOSX/._photo.png": b""})
    yield archives.packed({"photo.png": b"abc", "mask.png": b""}, 0)
    yield from small(archives.REFUSED)


def uris():
    yield b"data:image/png;base64,iVBORw0KGgo="
    yield b"data:,a%20b"
    yield b"data:image/svg+xml;charset=utf-8;base64 , PHN2Zz4="


def texts():
    from hostile.pictures import plain

    from runflow_widgets.settings import Settings, with_settings

    for size in (1, 5000):
        yield with_settings(plain(), Settings(model="a/b", inputs={"prompt": "x" * size}, run_id="r"))


def all_kinds():
    for kind in (pictures, archives, uris, texts):
        yield from kind()


SEEDS = {
    "picture": pictures, "mask": pictures, "archive": archives, "uri": uris, "chunks": texts, "everything": all_kinds
}  # fmt: skip


def mended(data):
    """A PNG whose checksums fit again: otherwise nearly all that is tried ends at the first of them."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    changed, at = bytearray(data), 8
    while at + 12 <= len(changed):
        (length,) = struct.unpack_from(">I", changed, at)
        end = at + 8 + length
        if end + 4 > len(changed):
            break
        struct.pack_into(">I", changed, end, zlib.crc32(changed[at + 4 : end]))
        at = end + 4
    return bytes(changed)


def fuzz(name, seconds, seed):
    import atheris

    with atheris.instrument_imports(include=list(WATCHED), enable_loader_override=False):
        import zipfile  # noqa: F401

        import PIL.BmpImagePlugin
        import PIL.GifImagePlugin
        import PIL.JpegImagePlugin
        import PIL.MpoImagePlugin
        import PIL.PngImagePlugin
        import PIL.TiffImagePlugin
        import PIL.WebPImagePlugin  # noqa: F401

        calls = entrances()

    def mutated(data, most, number):
        changed = atheris.Mutate(data, most)
        # Sometimes as it is, so that wrong checksums are tried too.
        return mended(changed)[:most] if random.Random(number).random() < 0.8 else changed

    # Who makes errors of warnings gets a sentence too, and not somebody else's warning.
    warnings.simplefilter("error")
    FINDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for place, data in enumerate(SEEDS[name]()):
            (Path(corpus) / str(place)).write_bytes(data)
        flags = {
            "max_total_time": seconds, "seed": seed, "max_len": MOST_BYTES, "timeout": 5, "rss_limit_mb": 2048,
            "artifact_prefix": f"{FINDINGS}/{name}-", "print_final_stats": 1, "verbosity": 1, "close_fd_mask": 0,
        }  # fmt: skip
        arguments = ["fuzz", *(f"-{flag}={value}" for flag, value in flags.items()), corpus]
        atheris.Setup(arguments, calls[name], custom_mutator=mutated)
        atheris.Fuzz()


def again(name, path):
    entrances()[name](Path(path).read_bytes())


def main(arguments):
    name, seconds, *more = arguments
    names = [one for one in SEEDS if one != "everything"] if name == "all" else [name]
    if more and Path(more[0]).is_file():
        again(name, more[0])
        return 0
    failed = []
    for one in names:
        print(f"--- {one}", flush=True)
        # A process for each: libFuzzer ends the one that it runs in.
        work = (one, int(seconds) // len(names) or 1, int(more[0]) if more else 1)
        process = multiprocessing.get_context("spawn").Process(target=fuzz, args=work)
        process.start()
        process.join()
        failed += [one] if process.exitcode else []
    print(f"found something in: {', '.join(failed)}" if failed else "found nothing", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
