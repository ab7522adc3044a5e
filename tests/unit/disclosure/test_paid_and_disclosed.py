"""From the payout itself to the list: who the bank paid stands in it, who was rejected or whose money came back does not."""

from datetime import date
from typing import Any

from tests.unit.disclosure.test_publish_disclosure import cells_of, publish
from tests.unit.disclosure.world import World
from tests.unit.payout.house import House
from tests.unit.payout.rosters import CODE, DAOLI, PAYDAY, SLOT, people, roster
from yikatong.masking import mask_name

WHO = people(9)


def world_of(house: House) -> World:
    """The house's books with a site beside them."""
    world = World()
    world.control, world.lake = house.control, house.lake
    return world


def paid(**script: Any) -> House:
    house = House(PAYDAY)
    house.cards(WHO)
    house.approved(roster(WHO))
    house.bank.script(accounts=script)
    house.pay()
    return house


def test_a_batch_that_was_paid_is_shown_to_the_fen_without_those_the_bank_rejected() -> None:
    house = paid(**{WHO[0].account: {"outcome": "reject", "code": "AC04"}})
    world = world_of(house)
    publish(world, PAYDAY)
    (cell,) = cells_of(world, CODE).values()
    assert (cell["slot"], cell["region"], cell["people"]) == (SLOT, DAOLI, 8)
    assert cell["amount_fen"] == house.funds().spent_fen == house.bank.book["moved_fen"]
    assert sorted(row["name"] for row in cell["rows"]) == sorted(mask_name(one.name) for one in WHO[1:])
    assert {row["paid_on"] for row in cell["rows"]} == {PAYDAY.isoformat()}


def test_money_that_comes_back_days_later_takes_its_people_out_of_the_list() -> None:
    back = {one.account: {"outcome": "return", "code": "AC04", "days": 3} for one in WHO[:2]}
    house = paid(**back)
    world = world_of(house)
    publish(world, PAYDAY)
    assert cells_of(world, CODE)[SLOT, DAOLI]["people"] == 9
    house.on(date(2023, 6, 15))
    house.drain()
    publish(world, date(2023, 6, 16))
    assert cells_of(world, CODE)[SLOT, DAOLI]["people"] == 9, "two people's misfortune is not announced on its day"
    publish(world, date(2023, 7, 1))
    cell = cells_of(world, CODE)[SLOT, DAOLI]
    assert (cell["people"], cell["amount_fen"]) == (7, house.funds().spent_fen)


def test_a_trial_and_a_batch_under_way_are_shown_to_nobody() -> None:
    house = House(PAYDAY)
    house.cards(WHO)
    house.approved(roster(WHO, number=17), mode="trial", number=17)
    house.pay(house.order(mode="trial", number=17))
    (trial,) = house.batches(17, "trial").values()
    assert trial.settlement is not None
    assert trial.settlement.settled.count == 9
    house.approved(roster(WHO), name="formal.csv")
    world = world_of(house)
    publish(world, date(2023, 7, 1))
    assert world.site.objects == {}
