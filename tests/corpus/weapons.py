"""Files made to exhaust whoever reads them, too large to keep; made when they are tried: `python -m tests.corpus.weapons NAME`.

Each is judged in a process of its own, which says on one line what was found, how much memory it took at most, and how long.
"""

import io
import json
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from tests.corpus.roster import AMOUNT, SPOILED, roster
from tests.corpus.writing import Sheet, csv_bytes, part_of, workbook
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.validation import validate

_SHEET = "xl/worksheets/sheet1.xml"
_MB = 2**20
# Of address space; threads reserve a gigabyte of it and use little.
LIMIT_BYTES = 6 * 2**30


def _packed(changes: Mapping[str, bytes]) -> bytes:
    """The good workbook with these parts, compressed."""
    good = workbook(Sheet(roster()))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        with zipfile.ZipFile(io.BytesIO(good)) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        for name, part in {**parts, **changes}.items():
            new.writestr(name, part)
    return buffer.getvalue()


def _sheet_with(cells: bytes) -> bytes:
    """The good sheet with more rows at its end."""
    sheet = part_of(workbook(Sheet(roster())), _SHEET)
    return sheet.replace(b"</sheetData>", cells + b"</sheetData>")


def _many_sheets() -> bytes:
    return workbook(*(Sheet([["x"]], name=f"第{number}张") for number in range(400)))


def _one_long_string() -> bytes:
    """A shared string of a third of a megabyte, used by a hundred thousand cells."""
    strings = part_of(workbook(Sheet(roster())), "xl/sharedStrings.xml")
    strings = strings.replace("姓名".encode(), "姓".encode() * 120_000, 1)
    rows = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (row, row) for row in range(20, 100_020))
    return _packed({"xl/sharedStrings.xml": strings, _SHEET: _sheet_with(rows)})


def _lines(count: int, line: str) -> bytes:
    return csv_bytes(roster(), "utf-8") + f"{line}\r\n".encode() * count


WEAPONS: Mapping[str, Callable[[], bytes]] = {
    "zip bomb of zeros": lambda: _packed({"xl/media/image1.bin": b"\0" * (200 * _MB)}),
    "zip bomb of blanks in the sheet": lambda: _packed({_SHEET: _sheet_with(b" " * (200 * _MB))}),
    "zip of 3000 parts": lambda: _packed({f"xl/media/{number}.bin": b"" for number in range(3000)}),
    "workbook of 400 sheets": _many_sheets,
    "workbook of one long string in 100000 cells": _one_long_string,
    "workbook of 16384 columns": lambda: workbook(Sheet([[f"列{at}" for at in range(16_384)], *roster()])),
    "text of a million columns": lambda: ("姓名,身份证号,属期,金额" + ",列" * 1_000_000).encode() + b"\r\n1,2,3,4\r\n",
    "text of a million columns below the header": lambda: csv_bytes(roster(), "utf-8") + b"," * 1_000_000 + b"x\r\n",
    "text with a name of a megabyte": lambda: csv_bytes(roster((SPOILED, {Column.NAME: "王" * (_MB // 3)}))),
    "text with an amount of a megabyte": lambda: csv_bytes(roster((SPOILED, {AMOUNT: "9" * _MB}))),
    "text with a remark of a megabyte": lambda: csv_bytes(
        roster((SPOILED, {Column.REMARK: "话" * (_MB // 3)}), columns=(*Column,))
    ),
    "text of a million quotes": lambda: csv_bytes(roster(), "utf-8") + b'"' * 1_000_001,
    "text of a million blank lines": lambda: _lines(1_000_000, ""),
    "text of a million lines of commas": lambda: _lines(1_000_000, ",,,"),
    "text of 20 megabytes without a line end": lambda: b"x" * (20 * _MB),
    "text of 20 megabytes of blanks": lambda: b" " * (20 * _MB),
    "text of 300000 different slots": lambda: csv_bytes(
        [roster()[0], *(["王", "1", str(number), "1"] for number in range(300_000))]
    ),
    "file of 257 megabytes": lambda: csv_bytes(roster(), "utf-8") + b"\n" * (257 * _MB),
}  # fmt: skip


def main(name: str) -> int:
    data = WEAPONS[name]()
    book = PlanBook.committed()
    subsidy = book.subsidy(2023, 6)
    settings = Settings.committed().for_subsidy(subsidy.code)
    context = RosterContext(book, subsidy, "230102", Mode.FORMAL, date(2023, 6, 10), settings)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    # What making the file took does not count.
    Path("/proc/self/clear_refs").write_text("5")
    before, started = _peak_mb(), time.monotonic()
    validation = validate(data, name, context)
    took = {"grown_mb": _peak_mb() - before, "seconds": time.monotonic() - started}
    found = {"accepted": validation.accepted, "codes": sorted({str(finding.code) for finding in validation.findings})}
    json.dump({**found, **took}, sys.stdout)
    return 0


def _peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
