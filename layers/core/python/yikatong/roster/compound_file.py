"""Old office files are small file systems (MS-CFB): what is inside, and one stream taken out or put into a new one.

Our own, and strict, because the reader behind it believes the file: a header of 612 bytes can make it ask for 16 GB and
take the process down (calamine issue 714). Every chain is followed once and no longer than the file has sectors.
"""

import struct
from dataclasses import dataclass
from itertools import count

from yikatong.roster.findings import Unreadable, unreadable

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES = 512
_ENTRY_BYTES = 128
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_DIFAT_IN_HEADER = 109
_MINI_SECTOR_BYTES = 64
_MINI_BELOW_BYTES = 4096
_STREAM, _ROOT = 2, 5
_SECTOR_BYTES = {9: 512, 12: 4096}
_WRITTEN_SECTOR_BYTES = 4096


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: int
    start: int
    size: int


class CompoundFile:
    """An opened compound file. Raises Unreadable (file_damaged) for one that contradicts itself."""

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER_BYTES or not data.startswith(_MAGIC):
            raise _damaged()
        self._data = memoryview(data)
        size = _SECTOR_BYTES.get(struct.unpack_from("<H", data, 30)[0])
        if size is None or struct.unpack_from("<H", data, 32)[0] != 6:
            raise _damaged()
        self._sector_bytes = size
        self._sectors = max(0, -(-len(data) // size) - 1)
        directory, _, _, mini_fat, _, difat, _ = struct.unpack_from("<7I", data, 48)
        self._fat = self._read_fat(difat)
        self._entries = self._read_entries(directory)
        root = next((entry for entry in self._entries if entry.kind == _ROOT), None)
        if root is None:
            raise _damaged()
        self._mini_stream = self._chain_bytes(root.start, root.size) if root.size else b""
        self._mini_fat = _numbers(self._chain_bytes(mini_fat)) if root.size else ()

    @property
    def names(self) -> set[str]:
        """The names of all storages and streams, wherever they lie."""
        return {entry.name for entry in self._entries}

    def stream(self, name: str) -> bytes:
        """The bytes of the first stream of that name."""
        entry = next((entry for entry in self._entries if entry.kind == _STREAM and entry.name == name), None)
        if entry is None or entry.size > len(self._data):
            raise _damaged()
        if entry.size >= _MINI_BELOW_BYTES:
            return self._chain_bytes(entry.start, entry.size)
        places = _chain(entry.start, self._mini_fat)
        parts = [self._mini_stream[at * _MINI_SECTOR_BYTES :][:_MINI_SECTOR_BYTES] for at in places]
        return _whole(b"".join(parts), entry.size)

    def _sector(self, number: int) -> memoryview:
        if number >= self._sectors:
            raise _damaged()
        start = (number + 1) * self._sector_bytes
        return self._data[start : start + self._sector_bytes]

    def _read_fat(self, difat: int) -> tuple[int, ...]:
        places = list(struct.unpack_from(f"<{_DIFAT_IN_HEADER}I", self._data, 76))
        for _ in range(self._sectors):
            if difat in (_END, _FREE):
                break
            *more, difat = _numbers(self._sector(difat))
            places += more
        else:
            if difat not in (_END, _FREE):
                raise _damaged()
        used = [place for place in places if place != _FREE]
        if len(used) > self._sectors:
            raise _damaged()
        return _numbers(b"".join(self._sector(place) for place in used))

    def _read_entries(self, start: int) -> list[_Entry]:
        data = self._chain_bytes(start)
        entries = []
        for at in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            length, kind = struct.unpack_from("<HB", data, at + 64)
            first, size = struct.unpack_from("<IQ", data, at + 116)
            if kind:
                name = data[at : at + min(length, 64)].decode("utf-16-le", "replace").rstrip("\0")
                # In the older version only the lower half of the size counts, the upper may be noise.
                entries.append(_Entry(name, kind, first, size & 0xFFFFFFFF if self._sector_bytes == 512 else size))
        return entries

    def _chain_bytes(self, start: int, size: int | None = None) -> bytes:
        found = b"".join(self._sector(place) for place in _chain(start, self._fat))
        return found if size is None else _whole(found, size)


def with_stream(name: str, data: bytes) -> bytes:
    """A new compound file that holds this one stream and nothing else."""
    size = _WRITTEN_SECTOR_BYTES
    # Shorter streams would belong into the mini stream.
    data = data.ljust(_MINI_BELOW_BYTES, b"\0")
    length = -(-len(data) // size)
    # Sector 0 the directory, 1 the (unused) mini stream a root must have, then the stream, then the table of sectors.
    tables = next(n for n in count(1) if n * size // 4 >= 2 + length + n)
    if tables > _DIFAT_IN_HEADER:
        raise unreadable("file_too_large", limit_mb=_DIFAT_IN_HEADER * size * size // 4 // 2**20)
    fat = [_END, _END, *range(3, 2 + length), _END, *[_FAT] * tables]
    fat += [_FREE] * (tables * size // 4 - len(fat))
    difat = [*range(2 + length, 2 + length + tables), *[_FREE] * (_DIFAT_IN_HEADER - tables)]
    header = _MAGIC + struct.pack(
        "<16x5H6x9I109I", 0x3E, 4, 0xFFFE, 12, 6, 1, tables, 0, 0, _MINI_BELOW_BYTES, _END, 0, _END, 0, *difat
    )
    directory = _entry("Root Entry", _ROOT, 1, _MINI_SECTOR_BYTES, child=1) + _entry(name, _STREAM, 2, len(data))
    directory += _entry("", 0, 0, 0) * (size // _ENTRY_BYTES - 2)
    parts = [header.ljust(size, b"\0"), directory, bytes(size), data.ljust(length * size, b"\0")]
    return b"".join([*parts, struct.pack(f"<{len(fat)}I", *fat)])


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    text = name.encode("utf-16-le")
    length = len(text) + 2 if name else 0
    return text.ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", length, kind, 1, _FREE, _FREE, child, start, size)


def _chain(start: int, table: tuple[int, ...]) -> list[int]:
    """The numbers from `start` on; one that leaves the table or comes back upon itself is damaged."""
    places: list[int] = []
    while start != _END:
        if start >= len(table) or len(places) > len(table):
            raise _damaged()
        places.append(start)
        start = table[start]
    return places


def _numbers(data: bytes | memoryview) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def _whole(found: bytes, size: int) -> bytes:
    if len(found) < size:
        raise unreadable("file_damaged", detail="文件不完整，上传可能中断过")
    return found[:size]


def _damaged() -> Unreadable:
    return unreadable("file_damaged", detail="内部结构自相矛盾，上传可能中断过")
