"""Traps within one cell: ids, names, amounts, slots and accounts of every kind, each in row 5 of a good roster."""

from collections.abc import Mapping

from tests.corpus.roster import (
    AGED,
    AMOUNT,
    BORN_1962,
    ENDS_IN_X,
    ID,
    LATIN,
    MINORITY,
    NAME,
    NEARLY_AS_OLD,
    OLD_REGION,
    PEOPLE,
    PLAIN,
    SLOT,
    SPOILED,
    UNKNOWN,
    roster,
    spoiled,
    with_person,
)
from tests.corpus.writing import csv_bytes
from yikatong.identity import check_digit
from yikatong.roster.columns import Column
from yikatong.roster.people import Person

_HERE = PEOPLE[SPOILED - 2]
_RIGHT = _HERE.id_number
_WITH_ACCOUNT = (*PLAIN, Column.ACCOUNT)
_IDEOGRAPHIC = "　"


def files() -> Mapping[str, bytes]:
    return {
        **{f"id-{name}.csv": csv_bytes(rows) for name, rows in _ids().items()},
        **{f"name-{name}.csv": csv_bytes(rows) for name, rows in _names().items()},
        **{f"amount-{name}.csv": csv_bytes(spoiled(AMOUNT, cell)) for name, cell in _AMOUNTS.items()},
        **{f"slot-{name}.csv": csv_bytes(rows) for name, rows in _slots().items()},
        **{
            f"account-{name}.csv": csv_bytes(spoiled(Column.ACCOUNT, cell, columns=_WITH_ACCOUNT))
            for name, cell in _ACCOUNTS.items()
        },
    }


def _wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def _id_of(first_17: str) -> str:
    return first_17 + check_digit(first_17)


def _ids() -> dict[str, list[list[object]]]:
    cells = {
        "empty": "",
        "blank": f" {_IDEOGRAPHIC} ",
        "17-digits": _RIGHT[:-1],
        "19-digits": _RIGHT + "0",
        "letter-o": _RIGHT[:8] + "O" + _RIGHT[9:],
        "x-in-the-middle": _RIGHT[:8] + "X" + _RIGHT[9:],
        "region-0": "0" + _RIGHT[1:],
        "arabic-digits": "".join(chr(0x660 + int(digit)) for digit in _RIGHT),
        "february-30": _id_of("23010219700230101"),
        "february-29-of-no-leap-year": _id_of("23010219700229101"),
        "of-1899": _id_of("23010218991231101"),
        "born-tomorrow": _id_of("23010220230611101"),
        "check-digit": _RIGHT[:-1] + ("1" if _RIGHT[-1] != "1" else "2"),
        "two-digits-swapped": _RIGHT[:14] + _RIGHT[15] + _RIGHT[14] + _RIGHT[16:],
        "in-scientific-notation": "2.30102E+17",
        "with-an-apostrophe": "'" + _RIGHT,
        "as-a-text-formula": f'="{_RIGHT}"',
        "zero-width-blank": "\u200b" + _RIGHT,
        "14-digits": BORN_1962.id_number[:6] + BORN_1962.id_number[8:16],
        "15-digits-of-no-date": "230102620230017",
        "full-width": _wide(_RIGHT),
        "blanks-inside": f" {_RIGHT[:6]} {_RIGHT[6:14]}{_IDEOGRAPHIC}{_RIGHT[14:]} ",
        "tab-before": "\t" + _RIGHT,
        "line-break-after": _RIGHT + "\n",
    }
    old = BORN_1962.id_number[:6] + BORN_1962.id_number[8:17]
    people: dict[str, Person | tuple[Person, str]] = {
        "small-x": (ENDS_IN_X, ENDS_IN_X.id_number.replace("X", "x")),
        "full-width-x": (ENDS_IN_X, ENDS_IN_X.id_number.replace("X", "ｘ")),
        "cross-for-x": (ENDS_IN_X, ENDS_IN_X.id_number.replace("X", "×")),
        "15-digits": (BORN_1962, old),
        "15-digits-full-width": (BORN_1962, _wide(old)),
        "of-an-old-region": OLD_REGION,
        "of-121-years": AGED,
        "of-119-years": NEARLY_AS_OLD,
    }
    rows = {name: spoiled(ID, cell) for name, cell in cells.items()}
    for name, one in people.items():
        person, written = one if isinstance(one, tuple) else (one, one.id_number)
        rows[name] = roster((SPOILED, {**with_person(person), ID: written}))
    return rows


def _names() -> dict[str, list[list[object]]]:
    name = _HERE.name
    cells = {
        "empty": "",
        "blank": f" {_IDEOGRAPHIC}\u00a0",
        "another": "钱" + name,
        "tab-inside": name[0] + "\t" + name[1:],
        "tab-before": "\t" + name,
        "line-break-inside": name[0] + "\n" + name[1:],
        "carriage-return-before": "\r" + name,
        "zero-width-blank": name[0] + "\u200b" + name[1:],
        "right-to-left-mark": name + "\u202e",
        "byte-order-mark-inside": name[0] + "\ufeff" + name[1:],
        "bell": name + "\a",
        "formula": "=1+1",
        "formula-plus": "+" + name,
        "formula-minus": "-" + name,
        "formula-at": "@SUM(A1)",
        "formula-full-width": "＝" + name,
        "formula-after-a-blank": " =" + name,
        "question-mark": name[0] + "?",
        "full-width-question-mark": name[0] + "？",
        "replacement-character": name[0] + "\ufffd",
        "of-51-characters": "王" * 51,
        "blank-inside": f"{name[0]}{_IDEOGRAPHIC}{name[1:]}",
        "blanks-around": f" {name}\u00a0",
        "of-an-id-number": _RIGHT,
    }
    people = {
        "with-a-separator": (MINORITY, MINORITY.name),
        "with-a-bullet": (MINORITY, MINORITY.name.replace("·", "•")),
        "with-a-katakana-dot": (MINORITY, MINORITY.name.replace("·", "・")),
        "with-a-full-width-stop": (MINORITY, MINORITY.name.replace("·", "．")),
        "in-latin": (LATIN, LATIN.name),
    }
    rows = {key: spoiled(NAME, cell) for key, cell in cells.items()}
    return rows | {key: roster((SPOILED, {**with_person(one), NAME: cell})) for key, (one, cell) in people.items()}


_AMOUNTS = {
    "empty": "",
    "blank": " ",
    "in-words": "五百二十元整",
    "three-decimals": "520.125",
    "three-decimals-that-say-nothing": "520.000",
    "less-than-a-fen": "0.001",
    "zero": "0.00",
    "negative": "-520.00",
    "negative-in-brackets": "(520.00)",
    "signed": "+520.00",
    "whole": "520",
    "one-decimal": "520.5",
    "stop-at-the-end": "520.",
    "stop-at-the-beginning": ".5",
    "thousands": "1,520.00",
    "thousands-in-the-wrong-place": "15,20.00",
    "decimal-comma": "520,00",
    "full-width": _wide("520.00"),
    "blank-inside": "1 520.00",
    "currency-sign": "￥520.00",
    "unit": "520元",
    "scientific": "5.2e2",
    "underscore": "1_000",
    "nan": "NaN",
    "infinite": "inf",
    "hexadecimal": "0x208",
    "two-stops": "5.2.0",
    "11-digits": "12345678901",
    "of-the-limit": "100000.00",
    "over-the-limit": "100000.01",
    "lost-in-the-cell": "######",
    "error": "#VALUE!",
}


def _slots() -> dict[str, list[list[object]]]:
    cells = {
        "empty": "",
        "blank": "　",
        "in-words": "六月份",
        "of-month-13": "2023-13",
        "of-a-quarter": "2023Q2",
        "of-a-year": "2023",
        "of-two-months": "2023-06、2023-07",
        "a-day": "2023-06-01",
        "two-months-back": "2023-04",
        "three-months-back": "2023-03",
        "two-months-ahead": "2023-08",
        "three-months-ahead": "2023-09",
        "chinese": "2023年6月",
        "chinese-two-digits": "2023年06月",
        "slash": "2023/6",
        "stop": "2023.6",
        "six-digits": "202306",
        "full-width": _wide("2023-06"),
        "blank-inside": "2023 - 06",
        "one-digit": "2023-6",
    }
    rows = {key: spoiled(SLOT, cell) for key, cell in cells.items()}

    def of(slot: str, other: str | None = None) -> list[list[object]]:
        return roster(*([(SPOILED, {SLOT: other})] if other else []), slot=slot)

    return rows | {
        "of-a-year-not-planned": of("2023-12", "2024-02"),
        "beyond-a-year-not-planned": of("2023-12", "2024-03"),
        "before-the-subsidy-began": of("2023-06", "2023-05"),
        "quarter": of("2023Q2", "2023Q3"),
        "quarter-in-small": of("2023Q2", "2023q2"),
        "quarter-outside": of("2023Q2", "2023Q4"),
        "half-year": of("2023H1", "2023H2"),
        "half-year-3": of("2023H1", "2023H3"),
        "year": of("2023"),
        "year-in-chinese": of("2023", "2023年度"),
        "year-outside": of("2023", "2022"),
        "occasion": of("2023#FLOOD-1"),
        "occasion-unknown": of("2023#FLOOD-1", "2023#FLOOD-2"),
        "occasion-without-a-name": of("2023#FLOOD-1", "2023"),
        "all-the-same-and-wrong": of("2023-01"),
    }


_ACCOUNTS = {
    "good-beside-a-card": UNKNOWN.account,
    "grouped": f"{UNKNOWN.account[:4]} {UNKNOWN.account[4:8]}-{UNKNOWN.account[8:]}",
    "full-width": _wide(UNKNOWN.account),
    "with-a-letter": UNKNOWN.account[:10] + "O" + UNKNOWN.account[11:],
    "of-9-digits": "623100001",
    "of-31-digits": "6" * 31,
    "in-scientific-notation": "6.231E+18",
}
