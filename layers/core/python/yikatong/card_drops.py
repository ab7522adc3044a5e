"""What the name of a card file says: a snapshot or changes, of which day, and which of that day's files it is.

`20230605.csv` or `持卡信息-20230605.csv` is the registry as of 5 June, `changes/20230605.csv` what changed that day; further
files of a day are numbered, `20230605-02.csv`. S3 delivers events unordered and more than once, so neither the time of
arrival nor an object's sequencer (which orders one key only) can say what is newer: only the sender knows, and the
name is where it is said. A file that does not say it is refused.
"""

import re
from dataclasses import dataclass
from datetime import date

from yikatong.errors import Refusal

CHANGES_PREFIX = "changes/"
REPLACE_PREFIX = "replace/"
"""A file under this prefix of the drop bucket is taken however many people it takes away."""
_DAY = re.compile(r"(?<![0-9])(2[0-9]{3}[01][0-9][0-3][0-9])(?:[-_]([0-9]{1,2}))?(?![0-9])")
_MARKS_A_DAY = 100


@dataclass(frozen=True)
class CardDrop:
    """`mark` (YYYYMMDDNN) orders card files: the higher is the newer. A day's snapshot is 00, its first changes 01."""

    changes: bool
    insisted: bool
    day: date
    mark: int


def read_drop(object_key: str, today: date) -> CardDrop:
    """Read an object key. One that names no day, or a day to come, raises Refusal with the cure."""
    insisted = object_key.startswith(REPLACE_PREFIX)
    rest = object_key.removeprefix(REPLACE_PREFIX)
    changes = rest.startswith(CHANGES_PREFIX)
    name = rest.rpartition("/")[2]
    found = _DAY.search(name)
    day = _date(found[1]) if found else None
    if found is None or day is None:
        raise Refusal(
            "文件名里没有日期，不知道它说的是哪一天的情况；请在文件名里写上年月日，如 持卡信息-20230605.csv，"
            "同一天的另一份写 20230605-02。",
            "undated",
        )
    if day > today:
        raise Refusal(f"文件名里的日期 {day} 在今天（{today}）之后，请核对。", "future")
    number = int(found[2]) if found[2] else int(changes)
    return CardDrop(changes, insisted, day, int(found[1]) * _MARKS_A_DAY + number)


def words_of(mark: int) -> str:
    """A mark as people write it: `20230605`, or `20230605-02`."""
    day, number = divmod(mark, _MARKS_A_DAY)
    return f"{day}-{number:02}" if number else f"{day}"


def names_day(file_name: str) -> bool:
    found = _DAY.search(file_name)
    return found is not None and _date(found[1]) is not None


def _date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
