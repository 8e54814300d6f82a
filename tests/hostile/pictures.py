"""Files that are no honest pictures, made when they are asked for; none is stored."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

#: The side of a picture of 190 megapixels, which is about the most that is opened.
LARGE = 13_800


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, *, colour=2, bits=8, more=b"", rows=None, channels=None):
    """A PNG of one colour whose header may promise more rows than there are."""
    channels = channels or {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    count = height if rows is None else rows
    row = bytes(1 + (width * channels * bits + 7) // 8) if count else b""
    packer = zlib.compressobj(9)
    packed = [packer.compress(row) for _ in range(count)]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    palette = chunk(b"PLTE", b"\0\0\0" * 2) if colour == 3 else b""
    body = b"".join([*packed, packer.flush()])
    parts = [chunk(b"IHDR", header), more, palette, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(kind="PNG", **options):
    image = Image.linear_gradient("L").convert("RGB").resize((64, 48))
    image.paste((190, 30, 40), (20, 12, 44, 36))
    return saved(image, kind, **options)


def gif(frames, screen=(1, 1), frame=(1, 1)):
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + (b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00") * frames + b";"


def jpeg_with_exif(parts):
    """EXIF in as many parts as one likes, each of them 64 kB."""
    whole = saved(Image.new("RGB", (8, 8)), "JPEG")
    part = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0MM\0*\0\0\0\x08".ljust(65_533, b"\1")
    return whole[:2] + part * parts + whole[2:]


def png_with_exif(megabytes):
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    return png(8, 8, more=chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + entry * (megabytes * 1_000_000 // 12)))


def jpeg_of_many_scans(scans, side=4000):
    """A progressive JPEG whose last scan is repeated: 31 bytes each, and a pass over the whole picture."""
    whole = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    return whole[:-2] + whole[whole.rindex(b"\xff\xda") : -2] * scans + b"\xff\xd9"


def bmp_of_run_lengths(width, height, codes):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(codes), 0, 0, 256, 0)
    start = 14 + 40 + 1024
    return b"BM" + struct.pack("<IHHI", start + len(codes), 0, 0, start) + header + bytes(1024) + codes


def webp_that_claims(width, height):
    """A lossless WebP of one colour: its header says the size in 14 bits each, and little else is needed."""
    whole = bytearray(saved(Image.new("RGB", (16, 16)), "WEBP", lossless=True))
    at = whole.index(b"VP8L") + 9
    (bits,) = struct.unpack_from("<I", whole, at)
    struct.pack_into("<I", whole, at, bits >> 28 << 28 | (height - 1) << 14 | (width - 1))
    return bytes(whole)


SCRIPT = b"<script>window.hit = 1</script>"
#: What is refused by every place that takes a picture, with what is said of it.
REFUSED = {
    "empty": (lambda: b"", "it is empty"),
    "zeros": (lambda: bytes(5000), "of no kind we open"),
    "cut in the header": (lambda: plain()[:20], "damaged|cut short"),
    "cut in the middle": (lambda: plain("JPEG")[:400], "damaged|cut short"),
    "an SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>", "SVG drawing"),
    "a web page": (lambda: b"<!doctype html>" + SCRIPT, "web page"),
    "a web page behind a PNG's first bytes": (lambda: b"\x89PNG\r\n\x1a\n<html>" + SCRIPT, "damaged"),
    "a zip": (lambda: b"PK\x03\x04" + bytes(60), "it is a zip"),
    "a PDF": (lambda: b"%PDF-1.7\n", "it is a PDF"),
    "a PostScript file": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "of no kind we open"),
    "no pixels": (lambda: png(0, 5), "damaged|no pixels"),
    "sides of four thousand million": (lambda: png(0x7FFFFFFF, 0x7FFFFFFF, rows=0), "more pixels|damaged"),
    "more pixels than are opened": (lambda: png(60_000, 60_000, rows=0), "more pixels"),
    "a GIF larger than its screen": (lambda: gif(1, frame=(65_535, 65_535)), "more pixels"),
    "sixteen channels": (lambda: png(4, 4, colour=9, channels=16), "damaged"),
    "EXIF of 50 MB in parts": (lambda: jpeg_with_exif(790), "EXIF in 790 parts"),
    "three thousand scans": (lambda: jpeg_of_many_scans(3000, 64), "scans"),
    "50 MB of run lengths": (lambda: bmp_of_run_lengths(16_000, 1600, b"\x01\x05" * 25_000_000), "MB of run lengths"),
    "run lengths that jump": (lambda: bmp_of_run_lengths(200_000_000, 1, b"\0\x02\0\0\0\xff" * 9), "rows of 2"),
    "a WebP of many megapixels": (lambda: webp_that_claims(16_000, 16_000), "more pixels"),
    "a WebP that takes five times its pixels": (lambda: webp_that_claims(9500, 9500), "limit is 80 megapixels"),
    "a TIFF that points at itself": (
        lambda: b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 0x0100, 3, 1, 1) + b"\x08\0\0\0",
        "damaged",
    ),
}
#: What can be opened, and must not cost more for it than its pixels do.
OPENED = {
    "a GIF of a million frames": lambda: gif(1_000_000),
    "EXIF of 50 MB in one chunk": lambda: png_with_exif(50),
    "190 megapixels": lambda: png(LARGE, LARGE),
    "190 megapixels of a palette": lambda: png(LARGE, LARGE, colour=3, bits=1),
    "190 megapixels of deep grey": lambda: png(LARGE, LARGE, colour=0, bits=16),
    "190 megapixels that are not there": lambda: png(LARGE, LARGE, rows=3),
    "many scans": lambda: jpeg_of_many_scans(80, 2000),
}
