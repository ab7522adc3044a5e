"""Traps between rows and outside the file: repetitions, households, payees, shared cards, cards in every state, days."""

from collections.abc import Mapping

from tests.corpus.roster import (
    AMOUNT,
    BORN_1962,
    CANCELLED,
    CHILD,
    CHILDREN,
    ENDS_IN_X,
    FINANCIAL_OFF,
    FROZEN,
    ID,
    INACTIVE,
    LOST,
    NAME,
    NO_CARD,
    ONE_CARD,
    PEOPLE,
    PLAIN,
    SAME_CARD,
    SLOT,
    SOCIAL_OFF,
    SPOILED,
    UNKNOWN,
    roster,
    spoiled,
    with_person,
)
from tests.corpus.writing import csv_bytes
from yikatong.roster.columns import Column
from yikatong.roster.people import Person

_PAYEE = (*PLAIN, Column.PAYEE_NAME, Column.PAYEE_ID)
_HEAD = (*PLAIN, Column.HEAD_NAME, Column.HEAD_ID)
_ACCOUNT = (*PLAIN, Column.ACCOUNT)
# Two rows in twenty-four may be excluded without refusing the file.
_MANY = 24


def files() -> Mapping[str, bytes]:
    rows = {
        **_repeated(),
        **_households(),
        **_payees(),
        **_accounts(),
        **_cards(),
        **_farms(),
        **_outside(),
        **_whole_files(),
    }
    return {f"{name}.csv": csv_bytes(lines) for name, lines in rows.items()}


def _repeated() -> dict[str, list[list[object]]]:
    many = roster(count=_MANY)
    same = many[SPOILED - 1]
    old = BORN_1962.id_number[:6] + BORN_1962.id_number[8:17]
    born = roster((SPOILED, with_person(BORN_1962)), count=_MANY)
    ends_in_x = roster((SPOILED, with_person(ENDS_IN_X)), count=_MANY)
    return {
        "repeated-row": [*many, same],
        "repeated-row-twice": [*many, same, same],
        "repeated-in-another-spelling": [*born, [BORN_1962.name, old, "2023年6月", "520"]],
        "repeated-with-a-small-x": [*ends_in_x, [ENDS_IN_X.name, ENDS_IN_X.id_number[:-1] + "x", "2023-06", "520.00"]],
        "repeated-with-another-amount": [*many, [*same[:3], "521.00"]],
        "repeated-in-another-slot": [*many, [*same[:2], "2023-05", same[3]]],
        "repeated-under-another-name": [*many, ["钱多多", *same[1:]]],
        "two-names-in-two-slots": [*many, ["钱多多", same[1], "2023-05", same[3]]],
        "half-the-rows-pasted-again": [*roster(), *roster()[1:7]],
    }


def _under(head: Person) -> dict[Column, object]:
    return {Column.HEAD_NAME: head.name, Column.HEAD_ID: head.id_number}


def _households() -> dict[str, list[list[object]]]:
    """Rows 2 to 25 are households of one, row 5 and whoever follows are the trap."""
    own = [(row, _under(PEOPLE[row - 2])) for row in range(2, _MANY + 2)]
    head, other = PEOPLE[SPOILED - 2], PEOPLE[8]
    member = (6, {**with_person(head), **_under(other)})
    # The other head's own row is somebody else's, so that the member is all that is wrong.
    stranger = (10, {**with_person(PEOPLE[30]), **_under(PEOPLE[30])})
    short = (5, {Column.HEAD_ID: head.id_number[:-1]})
    return {
        "household-of-two-rows": roster(*own, (6, _under(head)), columns=_HEAD, count=_MANY),
        "household-and-alone": roster(*own, member, stranger, columns=_HEAD, count=_MANY),
        "household-of-a-deceased-head": roster(*own, (SPOILED, _under(PEOPLE[30])), columns=_HEAD, count=_MANY),
        "household-head-with-a-wrong-id": roster(*own, short, columns=_HEAD, count=_MANY),
    }


def _paid_to(payee: Person, **cells: object) -> dict[Column, object]:
    written = {Column.PAYEE_NAME: payee.name, Column.PAYEE_ID: payee.id_number}
    return {**with_person(CHILD), **written} | {Column[name.upper()]: cell for name, cell in cells.items()}


def _payees() -> dict[str, list[list[object]]]:
    guardian = PEOPLE[30]
    wards = [(5 + at, {**_paid_to(guardian), **with_person(ward)}) for at, ward in enumerate(CHILDREN)]
    return {
        "payee": roster((SPOILED, _paid_to(guardian)), columns=_PAYEE),
        "payee-of-three-wards": roster(*wards, columns=_PAYEE),
        "payee-in-the-roster-too": roster((SPOILED, _paid_to(PEOPLE[0])), columns=_PAYEE),
        "payee-is-the-beneficiary": roster((SPOILED, _paid_to(PEOPLE[3]) | with_person(PEOPLE[3])), columns=_PAYEE),
        "payee-without-an-id": roster((SPOILED, _paid_to(guardian, payee_id="")), columns=_PAYEE),
        "payee-without-a-name": roster((SPOILED, _paid_to(guardian, payee_name="")), columns=_PAYEE),
        "payee-names-only": roster((SPOILED, _paid_to(guardian)), columns=_PAYEE[:-1]),
        "payee-check-digit": roster((SPOILED, _paid_to(guardian, payee_id=_wrong(guardian))), columns=_PAYEE),
        "payee-name-damaged": roster((SPOILED, _paid_to(guardian, payee_name="郑?")), columns=_PAYEE),
        "payee-name-differs": roster((SPOILED, _paid_to(guardian, payee_name="钱多多")), columns=_PAYEE),
        "payee-without-a-card": roster((SPOILED, _paid_to(UNKNOWN)), columns=_PAYEE),
        "payee-name-differs-beside-a-damaged-name": roster(
            (SPOILED, _paid_to(guardian, payee_name="钱多多", name="周?")), columns=_PAYEE
        ),
        "payee-under-two-names": roster(
            (SPOILED, _paid_to(PEOPLE[0], payee_name="钱多多")), columns=_PAYEE, count=_MANY
        ),
    }  # fmt: skip


def _wrong(person: Person) -> str:
    last = person.id_number[-1]
    return person.id_number[:-1] + ("1" if last != "1" else "2")


def _accounts() -> dict[str, list[list[object]]]:
    used = with_person(UNKNOWN, account=UNKNOWN.account)
    return {
        "account-used": roster((SPOILED, used), columns=_ACCOUNT),
        "account-not-allowed": roster((SPOILED, used), columns=_ACCOUNT),
        "account-of-two-people": roster(
            (5, {Column.ACCOUNT: UNKNOWN.account}), (9, {Column.ACCOUNT: UNKNOWN.account}), columns=_ACCOUNT
        ),
        "account-of-two-people-spelled-twice": roster(
            (5, {Column.ACCOUNT: UNKNOWN.account}),
            (9, {Column.ACCOUNT: f"{UNKNOWN.account[:6]} {UNKNOWN.account[6:]}"}),
            columns=_ACCOUNT,
        ),
        "card-of-two-people": roster((5, with_person(ONE_CARD)), (9, with_person(SAME_CARD))),
    }


def _cards() -> dict[str, list[list[object]]]:
    states = {
        "unknown": UNKNOWN,
        "none": NO_CARD,
        "inactive": INACTIVE,
        "social-account-off": SOCIAL_OFF,
        "lost": LOST,
        "frozen": FROZEN,
        "cancelled": CANCELLED,
        "financial-account-off": FINANCIAL_OFF,
    }
    rows = {f"card-{name}": roster((SPOILED, with_person(person))) for name, person in states.items()}
    return rows | {
        "card-lost-and-name-differs": roster((SPOILED, {**with_person(LOST), NAME: "钱多多"})),
        "cards-not-known-yet": roster(),
    }


_FARM = (*PLAIN, Column.HEAD_NAME, Column.HEAD_ID, Column.STANDARD, Column.QUANTITY)


def _farms() -> dict[str, list[list[object]]]:
    """耕地地力保护补贴: so much a mu, to the household's head."""

    def farm(**changed: str) -> list[list[object]]:
        sown = {Column.STANDARD: "71.45", Column.QUANTITY: "10", AMOUNT: "714.50"}
        own = [(row, {**_under(PEOPLE[row - 2]), **sown}) for row in range(2, 14)]
        return roster(
            *own, (SPOILED, {Column[name.upper()]: cell for name, cell in changed.items()}), columns=_FARM, slot="2023"
        )

    return {
        "product": farm(),
        "product-of-decimals-rounded": farm(quantity="12.35", amount="882.41"),
        "product-of-decimals-cut-off": farm(quantity="12.35", amount="882.40"),
        "product-of-decimals-a-fen-more": farm(quantity="12.35", amount="882.42"),
        "product-of-another-amount": farm(amount="700.00"),
        "standard-in-words": farm(standard="七十一元四角五"),
        "standard-with-its-unit": farm(standard="71.45元/亩"),
        "quantity-of-five-decimals": farm(quantity="10.00001"),
        "quantity-missing": farm(quantity=""),
        "head-missing": farm(head_id="", head_name=""),
        "columns-of-a-farm-missing": roster(slot="2023"),
    }


def _outside() -> dict[str, list[list[object]]]:
    """Good in themselves: what is wrong is known elsewhere, and named beside what to expect."""
    good = (
        "claimed-already", "claimed-in-the-same-group", "claimed-and-exclusive", "claimed-by-others-only",
        "deceased-before-the-slot", "deceased-within-the-slot", "deceased-on-no-known-day", "moved-away",
        "deceased-under-another-name",
    )  # fmt: skip
    return {name: roster() for name in good} | {
        "payee-deceased": roster((SPOILED, _paid_to(PEOPLE[30])), columns=_PAYEE)
    }


def _whole_files() -> dict[str, list[list[object]]]:
    two_wrong = roster((5, {ID: ""}), (6, {ID: ""}))
    several = {NAME: "", ID: "1", SLOT: "", AMOUNT: "x"}
    return {
        "tenth-of-the-rows-wrong": roster((5, {ID: ""}), (6, {AMOUNT: ""}), count=20),
        "more-than-a-tenth-of-the-rows-wrong": two_wrong,
        "everything-wrong-in-one-row": roster((SPOILED, several)),
        "held-and-for-review": roster((SPOILED, with_person(LOST, amount="100000.01"))),
        "day-too-late": roster(slot="2023"),
        "day-early": roster(),
        "trial-not-needed": roster(),
        "trial": roster(),
        "hundreds-of-slots": [
            ["姓名", "身份证号", "属期", "金额"],
            *(["王", "1", year, "1"] for year in range(1000, 1600)),
        ],
        "first-row-wrong": roster((2, {AMOUNT: "x"})),
        "last-row-wrong": roster((13, {AMOUNT: "x"})),
        "one-row": roster(count=1),
        "ids-and-names-swapped": [[row[1], row[0], *row[2:]] if at else row for at, row in enumerate(roster())],
        "amounts-and-slots-swapped": [[*row[:2], row[3], row[2]] if at else row for at, row in enumerate(roster())],
        "numbering-in-the-amount": spoiled(AMOUNT, "1"),
    }
