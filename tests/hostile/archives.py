"""Zips that lie, made when they are asked for."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

from hostile.pictures import plain


def packed(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zeros(megabytes, method):
    """A member of nothing but zeros."""
    return packed({"photo.png": bytes(megabytes << 20)}, method)


def ten_gigabytes(claimed):
    """10 GB of zeros by deflate, in 10 MB, under any size one likes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # A block that ends with a full flush means the same wherever it stands.
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = block * 10_240 + packer.flush()
    told = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(body), claimed, 9, 0)
    entry = b"PK\x01\x02\x14\0" + told + bytes(14) + b"photo.png"
    start = b"PK\x03\x04" + told + b"photo.png" + body
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(start), 0)
    return start + entry + end


def with_size(data, size):
    """The same zip, whose list of contents says another size of what is in it."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, changed.rindex(b"PK\x01\x02") + 24, size)
    return bytes(changed)


def with_flag(data, flag):
    changed = bytearray(data)
    changed[6] |= flag
    changed[changed.rindex(b"PK\x01\x02") + 8] |= flag
    return bytes(changed)


def link_to(target):
    entry = zipfile.ZipInfo("photo.png")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, target)
        archive.writestr("mask.png", plain())
    return buffer.getvalue()


def million_entries():
    """A list of contents of a million lines for files that are not there."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 4) + bytes(16) + b"name"
    count = 1_000_000
    return (
        b"PK\x03\x04" + entry * count + b"PK\x05\x06" + bytes(4) + struct.pack("<HHII", 0xFFFF, 0xFFFF, 0, 4) + b"\0\0"
    )


HIDDEN = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
#: Every one is refused where `photo.png` is looked for; with what is said.
REFUSED = {
    "nothing": (lambda: b"", "it is empty"),
    "half": (lambda: packed({"photo.png": plain(), "mask.png": plain()})[:-40], "damaged"),
    "no zip": (lambda: plain(), "not a zip file"),
    "10 GB of zeros": (lambda: ten_gigabytes(0xFFFFFFFE), "unpacks to 4295"),
    "10 GB of zeros that are called a megabyte": (lambda: ten_gigabytes(1 << 20), "suspiciously tight|damaged"),
    "10 GB of zeros that are called twenty": (lambda: ten_gigabytes(20 << 20), "damaged"),
    "bzip2 that lies": (lambda: with_size(zeros(100, zipfile.ZIP_BZIP2), 1000), "packed by method 12"),
    "LZMA that lies": (lambda: with_size(zeros(100, zipfile.ZIP_LZMA), 1000), "packed by method 14"),
    "less than it says": (lambda: with_size(packed({"photo.png": b"abc"}, zipfile.ZIP_STORED), 900), "damaged"),
    "a million entries": (million_entries, "holds 1000000 files"),
    "a locked member": (lambda: with_flag(packed({"photo.png": plain()}), 1), "encrypted"),
    "names that lead out": (lambda: packed({"../../photo.png": plain(), "/etc/mask.png": plain()}), "holds no photo"),
    "names that are code": (lambda: packed({f"{n}{HIDDEN * 900}": b"" for n in range(20)}), "holds no photo"),
}
