"""The pages of an Ogg file (RFC 3533): their checksums show every flipped bit, their last flag every cut."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from esclab.errors import ClipError

REPLACE = "replace the file with a sound copy"
ALL_ONES = 0xFFFFFFFF
HEADER_BYTES = 27
END_OF_STREAM = 4

_REVERSED_BYTE = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class OggPage:
    """One sound page: its bytes, its stream, its number there, and the last sample that it completes."""

    data: bytes
    flags: int
    granule: int
    serial: int
    sequence: int


def ogg_checksum(page: bytes) -> int:
    """Return the CRC-32 of an Ogg page whose checksum field is zero.

    RFC 3533: polynomial 0x04c11db7, most significant bit first, start and end value 0. zlib computes the same
    polynomial with the bits of every byte, and of the result, in the opposite order.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED_BYTE), ALL_ONES) ^ ALL_ONES
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED_BYTE), "big")


def read_pages(file: BinaryIO, path: str) -> Iterator[OggPage]:
    """Yield the pages of an Ogg file from where it stands, up to its end or the end of all its streams.

    Raises
    ------
    ClipError
        At the first page that is cut, damaged or missing, and at an end without the end-of-stream flag.
    """
    open_streams: dict[int, int] = {}  # serial number -> next page number
    number = 0
    while header := file.read(HEADER_BYTES):
        if header[:4] != b"OggS":
            if number and not open_streams:
                return  # padding after the end of every stream
            raise ClipError(path, f"is damaged (no Ogg page where page {number} should start)", REPLACE)
        lacing = file.read(header[26]) if len(header) == HEADER_BYTES else b""
        body = file.read(sum(lacing))
        if len(header) < HEADER_BYTES or len(lacing) < header[26] or len(body) < sum(lacing):
            raise ClipError(path, f"is cut inside Ogg page {number}", REPLACE)
        flags, granule, serial, sequence, checksum = struct.unpack_from("<5xBqIII", header)
        if ogg_checksum(header[:22] + bytes(4) + header[26:] + lacing + body) != checksum:
            raise ClipError(path, f"is damaged (Ogg page {number} fails its checksum)", REPLACE)
        if sequence != open_streams.get(serial, sequence):
            raise ClipError(path, f"is damaged (pages are missing before Ogg page {number})", REPLACE)
        open_streams[serial] = sequence + 1
        if flags & END_OF_STREAM:
            del open_streams[serial]
        yield OggPage(header + lacing + body, flags, granule, serial, sequence)
        number += 1
    if open_streams:
        raise ClipError(path, f"is cut after Ogg page {number - 1} (no end of stream)", REPLACE)


def check_ogg(file: BinaryIO, path: str) -> None:
    """Check every page of an Ogg file; errors as in `read_pages`."""
    for _ in read_pages(file, path):
        pass
