"""The files that are sent in the conversations."""

import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class File:
    """A file; as a text it names its content too, so that two can be compared."""

    name: str
    content_type: str
    content: bytes

    def __str__(self) -> str:
        return described(self.name, content=self.content)


def described(name: str, *, content: bytes) -> str:
    digest = sha256(content).hexdigest()
    return f"the file {name} ({len(content):,} bytes, SHA-256 {digest[:12]}…)"


def picture(*, width: int = 240, height: int = 135) -> bytes:
    """Draw a PNG with eight bits for each of red, green and blue."""
    rows = (
        bytes(part for x in range(width) for part in _colour(x / width, y / height))
        for y in range(height)
    )
    # Each row begins with the filter that it was packed with: none.
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _colour(x: float, y: float) -> tuple[int, int, int]:
    """Paint a parcel with its tape before a sky."""
    if not (0.25 < x < 0.75 and 0.25 < y < 0.85):
        return 190, 215, 235
    return (225, 200, 150) if 0.46 < x < 0.54 else (180, 130, 80)


def _chunk(kind: bytes, data: bytes) -> bytes:
    packed = kind + data
    return struct.pack(">I", len(data)) + packed + struct.pack(">I", zlib.crc32(packed))
