"""The good roster that each file spoils in one place, its people, and the registry their cards stand in.

Everybody is invented (`roster/people.py`, by seed). Row 1 is the header, so row N of a file is `roster()[N - 1]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from stdnum import luhn

from yikatong.cards import CardState
from yikatong.identity import check_digit
from yikatong.roster.columns import Column
from yikatong.roster.people import Person, invent_people

NAME, ID, SLOT, AMOUNT = Column.NAME, Column.ID, Column.SLOT, Column.AMOUNT
PLAIN = (NAME, ID, SLOT, AMOUNT)
# The row most files spoil.
SPOILED = 5

PEOPLE: Sequence[Person] = invent_people(40, region="230102", seed=3, on=date(2023, 6, 10))


def _special(number: int, name: str, first_17: str) -> Person:
    stem = f"62310{number:013d}"
    return Person(name, first_17 + check_digit(first_17), stem + str(luhn.calc_check_digit(stem)), "龙江银行")


ENDS_IN_X = _special(1, "王爱国", "23010219700203008")
BORN_1962 = _special(2, "李春兰", "23010219620305017")
RARE = [_special(10 + at, f"王{name}", f"2301021971010102{at}") for at, name in enumerate("㛃䶮𬎆𣲘")]
# In GB18030 the second byte of these is | \ ^ ~.
TRAPS_IN_GB18030 = [_special(20 + at, f"李{name}", f"2301021972010103{at}") for at, name in enumerate("億奬區葉")]
MINORITY = _special(30, "乌云·其其格", "23010219730101041")
LATIN = _special(31, "AIBEK NUR", "23010219740101052")
# Its region's code did not exist yet in the year of birth; such numbers are right (FACTS).
OLD_REGION = _special(32, "赵玉兰", "23030619630405002")
AGED = _special(33, "孙老太", "23010219010611003")
NEARLY_AS_OLD = _special(34, "孙大娘", "23010219030611004")
CHILD = _special(35, "周小宝", "23010220150601005")
CHILDREN = [_special(36 + at, f"周{name}", f"2301022016060100{at}") for at, name in enumerate("一诺二宝三妹"[::2])]
NO_CARD = _special(40, "吴无卡", "23010219750101001").with_card(CardState.NONE, social=False, financial=False)
INACTIVE = _special(41, "吴未激", "23010219750101003").with_card(CardState.INACTIVE, social=False, financial=False)
SOCIAL_OFF = _special(42, "吴停用", "23010219750101005").with_card(CardState.NORMAL, social=False)
LOST = _special(43, "吴挂失", "23010219750101007").with_card(CardState.LOST)
FROZEN = _special(44, "吴冻结", "23010219750101009").with_card(CardState.FROZEN)
CANCELLED = _special(45, "吴注销", "23010219750101011").with_card(CardState.CANCELLED)
FINANCIAL_OFF = _special(46, "吴不取", "23010219750101013").with_card(CardState.NORMAL, financial=False)
ONE_CARD = _special(47, "吴甲", "23010219750101015")
SAME_CARD = replace(_special(48, "吴乙", "23010219750101017"), account=ONE_CARD.account)
# Stands in no registry.
UNKNOWN = _special(49, "郑某某", "23010219750101019")

REGISTERED: Sequence[Person] = [
    *PEOPLE, ENDS_IN_X, BORN_1962, *RARE, *TRAPS_IN_GB18030, MINORITY, LATIN, OLD_REGION, AGED, NEARLY_AS_OLD, CHILD,
    *CHILDREN, NO_CARD, INACTIVE, SOCIAL_OFF, LOST, FROZEN, CANCELLED, FINANCIAL_OFF, ONE_CARD, SAME_CARD,
]  # fmt: skip


def roster(
    *changed: tuple[int, Mapping[Column, object]],
    columns: Sequence[Column] = PLAIN,
    count: int = 12,
    slot: object = "2023-06",
    amount: object = "520.00",
    header: Sequence[str] | None = None,
) -> list[list[object]]:
    """A header and `count` good rows, with these cells changed: (row as the clerk sees it, new cells)."""
    good = [{NAME: one.name, ID: one.id_number, SLOT: slot, AMOUNT: amount} for one in PEOPLE[:count]]
    rows: list[dict[Column, object]] = [dict(row) for row in good]
    for row, cells in changed:
        rows[row - 2] |= cells
    return [list(header or [column.label for column in columns]), *([row.get(c, "") for c in columns] for row in rows)]


def with_person(person: Person, **cells: object) -> Mapping[Column, object]:
    """The cells of a row that is this person's."""
    return {NAME: person.name, ID: person.id_number} | {Column[name.upper()]: cell for name, cell in cells.items()}


def spoiled(column: Column, cell: object, *, columns: Sequence[Column] = PLAIN) -> list[list[object]]:
    """The good roster with one cell of the row SPOILED changed."""
    return roster((SPOILED, {column: cell}), columns=columns)
