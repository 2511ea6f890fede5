"""Hostile files, made when a test asks for them: none of them is stored, so that no virus scanner finds one here."""

from __future__ import annotations

import io
import stat
import struct
import zipfile


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A well-behaved archive of the members."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return memory.getvalue()


def with_link(name: str, to: str, beside: dict[str, bytes]) -> bytes:
    """An archive whose member ``name`` is a symbolic link."""
    memory = io.BytesIO(zipped(beside))
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(memory, "a") as archive:
        archive.writestr(info, to)
    return memory.getvalue()


def twice(name: str, first: bytes, second: bytes) -> bytes:
    """An archive with two members of the same name: which one is meant depends on who unpacks it."""
    other = name[:-1] + chr(ord(name[-1]) ^ 1)
    return zipped({name: first, other: second}).replace(other.encode(), name.encode())


def encrypted(name: str, body: bytes) -> bytes:
    """An archive that says of its member that it is encrypted."""
    data = bytearray(zipped({name: body}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def announcing(name: str, body: bytes, size: int) -> bytes:
    """An archive that lies about the unpacked size of its member."""
    data = bytearray(zipped({name: body}))
    struct.pack_into("<L", data, 22, size)
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, size)
    return bytes(data)


def overlapping(names: list[str], body: bytes) -> bytes:
    """A bomb in the manner of D. Fifield's "A better zip bomb" (2019): many entries share the same packed bytes."""
    data = zipped({names[0]: body})
    start = data.index(b"PK\x01\x02")
    entry = data[start : data.index(b"PK\x05\x06")]
    entries = b"".join(entry.replace(names[0].encode(), name.encode()) for name in names)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(entries), start, 0)
    return data[:start] + entries + end


def of_many_entries(count: int) -> bytes:
    """An archive that is nothing but a table of contents."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    entries = entry * count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entries), 4, 0)
    return b"PK\x03\x04" + entries + end


def nested(depth: int, body: bytes) -> bytes:
    """Archives in archives, in the manner of 42.zip."""
    for _ in range(depth):
        body = zipped({f"{number}.zip": body for number in range(4)})
    return body
