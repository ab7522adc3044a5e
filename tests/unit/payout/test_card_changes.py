"""A day's card changes between the freezing of a run and its claims: the run keeps its version, the next one the changes."""

from tests.unit.payout.house import House
from tests.unit.payout.rosters import BOOK, PAYDAY, SETTINGS, people, roster
from tests.unit.use_cases.desk import changes_csv
from yikatong.cards import CardState
from yikatong.runs import name_run
from yikatong.use_cases.import_cards import CardArrival, import_cards

TWENTY = people(20)


def changes_arrive(house: House, data: bytes, name: str) -> None:
    arrival = CardArrival(f"changes/{name}", "01", len(data), lambda: data)
    taken = import_cards(
        arrival, control=house.c, lake=house.l, reports=house.reports, orders=house.o, book=BOOK, settings=SETTINGS,
        now=house.now,
    )  # fmt: skip
    assert taken is not None


def test_a_run_pays_by_the_version_it_froze_and_the_next_by_the_changes() -> None:
    house = House()
    house.cards(TWENTY)
    first, second = (
        house.approved(roster(who, seed=seed), name=f"{seed}.csv")
        for seed, who in enumerate((TWENTY[:10], TWENTY[10:]), start=1)
    )
    house.withdraw(second)
    house.on(PAYDAY)
    order = house.order()
    house.start(order)
    house.open(name_run(order))
    lost = (TWENTY[0].with_card(CardState.LOST), TWENTY[10].with_card(CardState.LOST))
    changes_arrive(house, changes_csv(*(("变更", one) for one in lost)), "20230612.csv")
    again = house.approved(roster(TWENTY[10:], seed=3), name="3.csv")
    house.drain()
    assert set(house.selection(first).values()) == {("sent", "")}
    house.pay(house.order(cause="ord1"))
    assert house.selection(again)[TWENTY[10].id_number] == ("held", "card_lost")
    house.check_at_rest(*TWENTY[:10], *TWENTY[11:])
