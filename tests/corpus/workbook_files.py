"""Traps of workbooks: cells that are no text, sheets, merged titles, totals that compute, and workbooks that are weapons."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from tests.corpus.roster import (
    AMOUNT,
    ID,
    NAME,
    PEOPLE,
    PLAIN,
    RARE,
    SLOT,
    SPOILED,
    UNKNOWN,
    roster,
    spoiled,
    with_person,
)
from tests.corpus.writing import Formula, Sheet, compound_file, locked, old_workbook, part_of, stored, workbook, zip_of
from yikatong.roster.columns import Column

_BOOK = "xl/workbook.xml"
_SHEET = "xl/worksheets/sheet1.xml"
_ACCOUNT = (*PLAIN, Column.ACCOUNT)


def files() -> Mapping[str, bytes]:
    made = {**_cells(), **_around(), **_sheets(), **_hostile()}
    return {
        **{f"workbook-{name}.xlsx": data for name, data in made.items()},
        **{f"old-workbook-{name}.xls": data for name, data in _old().items()},
    }


def _cells() -> dict[str, bytes]:
    rows = {
        "plain": roster((6, {AMOUNT: "520.125"})),
        "rare-characters": roster(*((row, with_person(one)) for row, one in enumerate(RARE, start=5))),
        "numeric-id": spoiled(ID, float(PEOPLE[3].id_number[:15] + "000")),
        "numeric-id-of-15-digits": spoiled(ID, 230102620305017.0),
        "numeric-payee-id": roster(
            (SPOILED, {Column.PAYEE_NAME: PEOPLE[30].name, Column.PAYEE_ID: float(PEOPLE[30].id_number[:15] + "000")}),
            columns=(*PLAIN, Column.PAYEE_NAME, Column.PAYEE_ID),
        ),
        "numeric-account": roster((SPOILED, {Column.ACCOUNT: float(UNKNOWN.account)}), columns=_ACCOUNT),
        "all-ids-numeric": [[row[0], float(str(row[1])[:17]) if at else row[1], *row[2:]] for at, row in enumerate(roster())],
        "numeric-amounts": roster((5, {AMOUNT: 0.1 + 0.2}), (6, {AMOUNT: 1234.5}), (7, {AMOUNT: 100}), amount=520.0),
        "numeric-amount-of-three-decimals": roster((SPOILED, {AMOUNT: 8.115}), amount=520.0),
        "numeric-amount-of-zero": roster((SPOILED, {AMOUNT: 0}), amount=520.0),
        "numeric-amount-negative": roster((SPOILED, {AMOUNT: -520.0}), amount=520.0),
        "numeric-amount-huge": roster((SPOILED, {AMOUNT: 1e300}), amount=520.0),
        "truth-for-an-amount": roster((SPOILED, {AMOUNT: True}), amount=520.0),
        "date-for-an-amount": roster((SPOILED, {AMOUNT: date(2023, 6, 10)}), amount=520.0),
        "date-for-a-slot": roster((SPOILED, {SLOT: date(2023, 6, 1)})),
        "another-day-for-a-slot": roster((SPOILED, {SLOT: date(2023, 6, 15)})),
        "number-for-a-slot": roster((SPOILED, {SLOT: 202306})),
        "number-for-a-name": roster((SPOILED, {NAME: 123})),
        "computed-amounts": roster((SPOILED, {AMOUNT: Formula("=500+20", 520)}), amount=520.0),
        "computed-amount-without-a-value": roster((SPOILED, {AMOUNT: Formula("=500+20", "")}), amount=520.0),
        "computed-amount-in-error": roster((SPOILED, {AMOUNT: Formula("=1/0", "#DIV/0!")}), amount=520.0),
        "text-of-line-breaks": roster((SPOILED, {NAME: PEOPLE[3].name[0] + "\n" + PEOPLE[3].name[1:]})),
    }  # fmt: skip
    return {name: workbook(Sheet(lines)) for name, lines in rows.items()}


def _around() -> dict[str, bytes]:
    head, *rows = roster((6, {AMOUNT: 520.125}), amount=520.0)
    good = roster(amount=520.0)
    title = "2023年6月城市特困人员照料护理补贴发放名册"
    by = "填报单位：道里区"
    moved = [["", "", *row] for row in [[], [], head, *rows]]
    once = [[*row[:2], row[2] if at < 2 else "", *row[3:]] for at, row in enumerate(good)]
    sheets = {
        "merged-title": Sheet([[title], head, *rows], merged=[(0, 0, 0, 3, title)]),
        "merged-titles-of-two-rows": Sheet(
            [[title], [], [by], head, *rows], merged=[(0, 0, 1, 3, title), (2, 0, 2, 3, by)]
        ),
        "beginning-in-another-corner": Sheet(moved),
        "blank-rows": Sheet([head, *rows[:2], [], [], *rows[2:], []]),
        "total": Sheet([*good, ["合计", "", "", Formula("=SUM(D2:D13)", 6240)]]),
        "total-merged": Sheet([*good, ["合计", "", "", 6240.0]], merged=[(13, 0, 13, 2, "合计")]),
        "total-wrong": Sheet([*good, ["合计", "", "", 6240.5]]),
        "merged-slot-cells": Sheet(once, merged=[(1, 2, 12, 2, "2023-06")]),
        "filtered-but-nothing-hidden": Sheet([head, *rows], filtered=True),
        "header-of-two-rows": _header_of_two_rows(),
    }
    return {name: workbook(sheet) for name, sheet in sheets.items()}


def _header_of_two_rows() -> Sheet:
    """收款人 across its name and id, everything else down both rows."""
    columns = (*PLAIN, Column.PAYEE_NAME, Column.PAYEE_ID)
    guardian = PEOPLE[30]
    wrong = guardian.id_number[:-1] + ("1" if guardian.id_number[-1] != "1" else "2")
    head, *rows = roster((SPOILED, {Column.PAYEE_NAME: guardian.name, Column.PAYEE_ID: wrong}), columns=columns)
    titles = [[*head[:4], "收款人", ""], ["", "", "", "", "姓名", "身份证号"]]
    merged = [(0, at, 1, at, str(title)) for at, title in enumerate(head[:4])]
    return Sheet([*titles, *rows], merged=[*merged, (0, 4, 0, 5, "收款人")])


def _old() -> dict[str, bytes]:
    fine = (6, {AMOUNT: "520.125"})
    good = Sheet(roster(fine))
    title = "2023年6月名册"
    notes = Sheet([["填表说明"], ["一、身份证号须为18位。"]], name="说明")
    sheets = {
        "plain": good,
        "rare-characters": Sheet(roster(*((row, with_person(one)) for row, one in enumerate(RARE, start=5)))),
        "numeric-id": Sheet(spoiled(ID, float(PEOPLE[3].id_number[:15] + "000"))),
        "numeric-amounts": Sheet(roster((5, {AMOUNT: 0.1 + 0.2}), (6, {AMOUNT: 1234.5}), amount=520)),
        "date-for-a-slot": Sheet(roster((SPOILED, {SLOT: date(2023, 6, 1)}))),
        "merged-title": Sheet([[], *roster(fine)], merged=[(0, 0, 0, 3, title)]),
        "hidden-row": replace(good, hidden_rows=[SPOILED - 1]),
        "total": Sheet([*roster(amount=520.0), ["合计", "", "", 6240.0]]),
    }
    plain = old_workbook(good)
    return {
        **{name: old_workbook(sheet) for name, sheet in sheets.items()},
        "notes-first": old_workbook(notes, good),
        "hidden-sheet": old_workbook(good, Sheet(roster(count=3), name="上月", visible=False)),
        "two-rosters": old_workbook(Sheet(roster(count=3), name="五月"), Sheet(roster(count=6), name="六月")),
        "encrypted": locked(good),
        "cut-short": plain[: len(plain) // 2],
        "word-document": compound_file(b"text " * 1000, "WordDocument"),
    }


def _sheets() -> dict[str, bytes]:
    good = Sheet(roster((6, {AMOUNT: "520.125"})))
    notes = Sheet([["填表说明"], ["一、身份证号须为18位。"], ["二、金额以元为单位。"]], name="说明")
    two = (Sheet(roster(count=3), name="五月"), Sheet(roster(count=6), name="六月"))
    return {
        "notes-first": workbook(notes, good),
        "notes-last": workbook(good, notes, Sheet([], name="Sheet3")),
        "hidden-sheet": workbook(good, Sheet(roster(count=3), name="上月", visible=False)),
        "very-hidden-sheet": workbook(good, Sheet(roster(count=3), name="上月", visible=False, very_hidden=True)),
        "only-a-hidden-roster": workbook(notes, replace(good, visible=False)),
        "two-rosters-one-named-so": workbook(Sheet(roster(count=3), name="补发"), Sheet(roster(count=6))),
        "two-rosters": workbook(*two),
        "two-rosters-one-asked-for": workbook(*two),
        "sheet-asked-for-is-not-there": workbook(*two),
        "sheet-asked-for-is-hidden": workbook(notes, replace(good, visible=False)),
        "sheet-asked-for-is-no-roster": workbook(notes, good),
        "hidden-row": workbook(replace(good, hidden_rows=[SPOILED - 1])),
        "hidden-blank-row": workbook(Sheet([*roster(), [], []], hidden_rows=[13])),
        "hidden-column": workbook(replace(good, hidden_columns=[2])),
        "no-header": workbook(notes),
        "empty": workbook(Sheet([])),
    }


def _hostile() -> dict[str, bytes]:
    good = workbook(Sheet(roster()))
    sheet = part_of(good, _SHEET)
    far = workbook(Sheet([*roster(), *([[]] * 8), [*([""] * 40), "x"]]))
    far_sheet = (
        part_of(far, _SHEET).replace(b'r="AO22"', b'r="XFD1048576"').replace(b'<row r="22"', b'<row r="1048576"')
    )
    assert far_sheet.count(b"1048576") == 2
    doctype = b'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY a "9999">]>' + sheet.split(b"?>", 1)[1]
    return {
        "cut-short": good[: len(good) * 2 // 3],
        "cut-before-its-directory": good[: good.rindex(b"PK\x01\x02") - 10],
        "one-cell-far-away": stored(far, {_SHEET: far_sheet}),
        "doctype": stored(good, {_SHEET: doctype}),
        "doctype-in-utf16": stored(good, {_SHEET: doctype.decode().encode("utf-16")}),
        "macro": stored(good, {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macro"}),
        "external-link": stored(good, {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}),
        "encrypted": compound_file(b"not to be read" * 400, "EncryptedPackage"),
        "word-document": zip_of({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}),
        "open-document": zip_of({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}),
        "broken-xml": stored(good, {_SHEET: sheet[: len(sheet) // 2]}),
        "xml-in-an-unknown-encoding": stored(good, {_BOOK: part_of(good, _BOOK).replace(b"UTF-8", b"UTF-UTF-8", 1)}),
        "without-its-sheet": stored(good, {_SHEET: None}),
        "two-parts-of-one-name": _doubled(good),
    }  # fmt: skip


def _doubled(good: bytes) -> bytes:
    """A second sheet1.xml: readers differ in which one they believe."""
    other = _SHEET.replace("sheet1", "sheet9")
    data = stored(good, {other: part_of(good, _SHEET).replace(b"520.00", b"999.00")})
    return data.replace(other.encode(), _SHEET.encode())
