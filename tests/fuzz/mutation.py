"""Files spoiled at random from good and bad ones: bytes, cells, XML parts and zip directories. The same for a seed."""

import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence

from tests.corpus.make import corpus
from tests.fuzz.planting import workbook_seeds

MAX_BYTES = 2_000_000
_TOKENS = (
    b'"', b'""', b"\r", b"\n", b"\r\n", b"\0", b",", b"\t", b"\xff", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf",
    b"\x80", b"\x81", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x81\x30\x81\x30", b"=1+1", b"'", b"-1", b"1e308",
    "合计".encode(), "合计".encode("gb18030"), "姓名".encode(), "身份证号".encode(), b"9" * 30, b"0" * 5000, b"," * 3000,
    b'"' * 3000, b"\n" * 3000, b"2023-06", b"x", b" ", "　".encode(), "·".encode(), b"\x1a", b"PK\x03\x04",
    b"PK\x05\x06", b"PK\x01\x02", b"<!DOCTYPE a>", b"<?xml",
)  # fmt: skip
_XML_TOKENS = (
    b'r="XFD1048576"', b'r="A0"', b'r=""', b'r="ZZZZZZ99999999999"', b't="s"', b't="inlineStr"', b't="e"', b't="b"',
    b't="d"', b't="str"', b"<v>-1</v>", b"<v>99999999999</v>", b"<v>1e400</v>", b"<v></v>", b"<f>SUM(A1:A9)</f>",
    b"&#0;", b"&#xD800;", b"&amp;", b"&x;", b"<c/>", b"</row>", b"<row>", b"<is><t>x</t></is>", b'count="4294967295"',
    b'ref="A1:XFD1048576"', b'state="hidden"', b'sheetId="0"', b"<![CDATA[", b"<!--", b'date1904="1"',
    b'spans="1:16384"', b'hidden="1"', b's="99999"', b'<mergeCell ref="A1:XFD1048576"/>',
)  # fmt: skip
_CELLS = (
    "", " ", "　", "230102199001011234", "23010219900101123X", "x" * 300, "1" * 400, "-", "NaN", "1e5", "2023-06", "2023年6月",
    "０", "1,2,3", "\u200b", "\ufeff", "\ufffd", "😀", "合计", "=A1", "\t", "\r\n", '"', "9999999999.99", "0001-01", "#REF!",
)  # fmt: skip
_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "big5hkscs")


def seed_files() -> Sequence[bytes]:
    """What is spoiled: the corpus, and workbooks of both kinds."""
    return [data for data in corpus().values() if data] + list(workbook_seeds())


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One file, spoiled a few times over."""
    data = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        ways: list[Callable[[random.Random, bytes], bytes]] = [_bytes, _bytes, _grown]
        if data.startswith(b"PK"):
            ways += [_zip_part] * 4
        else:
            ways += [_cells] * 2
        data = chance.choice(ways)(chance, data)[:MAX_BYTES]
        if chance.random() < 0.05:
            other = chance.choice(seeds)
            data = (data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)) :])[:MAX_BYTES]
    return data


def _place(chance: random.Random, data: bytes) -> int:
    # The beginning decides what a file is taken for, the end holds a zip's directory.
    spot = chance.choice(("any", "any", "start", "end"))
    length = len(data)
    low, high = {"any": (0, length), "start": (0, min(length, 64)), "end": (max(0, length - 200), length)}[spot]
    return chance.randint(low, high)


def _bytes(chance: random.Random, data: bytes, tokens: Sequence[bytes] = _TOKENS) -> bytes:
    at = _place(chance, data)
    until = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 200)))
    match chance.randrange(6):
        case 0:
            return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        case 1:
            return data[:at] + data[until:]
        case 2:
            return data[:at] + data[at:until] * chance.choice((2, 3, 50)) + data[until:]
        case 3:
            return data[:at] + chance.choice(tokens) + data[at:]
        case 4:
            return data[:at] + chance.choice(tokens) + data[until:]
        case _:
            return data[:at] if chance.random() < 0.3 else data[:at] + chance.randbytes(until - at) + data[until:]


def _grown(chance: random.Random, data: bytes) -> bytes:
    """The same lines many times: what is harmless once may not be so a thousand times."""
    if data.startswith((b"PK", b"\xd0\xcf")) or len(data) > MAX_BYTES // 8:
        return _bytes(chance, data)
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines)) if lines else 0
    return b"".join(lines[:at]) + b"".join(lines[at:]) * chance.choice((2, 20, 300))


def _cells(chance: random.Random, data: bytes) -> bytes:
    """Another cell, column order or encoding, the file being text."""
    text = data.decode(chance.choice(("utf-8", "gb18030", "utf-16")), "replace")
    newline = chance.choice(("\r\n", "\n", "\r"))
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(chance.choice((1, 1, 3))):
        row = chance.choice(rows) if rows else []
        if row:
            row[chance.randrange(len(row))] = chance.choice(_CELLS)
    if chance.random() < 0.1:
        chance.shuffle(rows)
    if chance.random() < 0.1:
        for row in rows:
            row[:1], row[-1:] = row[-1:], row[:1]
    return newline.join(",".join(row) for row in rows).encode(chance.choice(_ENCODINGS), "ignore")


def _zip_part(chance: random.Random, data: bytes) -> bytes:
    """One part of a workbook spoiled, the zip itself in order."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            parts: dict[str, bytes] = {name: old.read(name) for name in old.namelist()}
    except Exception:  # noqa: BLE001 - a spoiled zip raises what it likes, and is spoiled in another way
        return _bytes(chance, data)
    if not parts:
        return _bytes(chance, data)
    telling = [name for name in parts if "sheet" in name or "workbook" in name or "shared" in name or "styles" in name]
    name = chance.choice(telling or list(parts))
    part = parts[name]
    for _ in range(chance.choice((1, 2, 5))):
        part = _attribute(chance, part) if chance.random() < 0.5 else _bytes(chance, part, _TOKENS + _XML_TOKENS)
    parts[name] = part
    if chance.random() < 0.1:
        parts.pop(chance.choice(list(parts)))
    return _zipped(parts, chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _attribute(chance: random.Random, part: bytes) -> bytes:
    """A number or an attribute of the XML exchanged for an unlikely one."""
    places = [at for at, byte in enumerate(part[: 1 << 16]) if byte in b'"0123456789']
    if not places:
        return part
    at = chance.choice(places)
    end = at
    while end < len(part) and part[end] in b"0123456789":
        end += 1
    number = chance.choice((b"0", b"-1", b"65536", b"1048577", b"4294967296", b"99999999999999999999", b"1e9", b""))
    return part[:at] + number + part[max(end, at + 1) :]


def _zipped(parts: Mapping[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as new:
        for name, part in parts.items():
            new.writestr(zipfile.ZipInfo(name), part, method)
    return buffer.getvalue()
