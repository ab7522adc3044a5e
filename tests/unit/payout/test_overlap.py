"""Two regions' lists of one subsidy and slot overlap: each person is paid once, and the other region is told why not."""

import pytest

from tests.unit.payout.house import House
from tests.unit.payout.rosters import DAOLI, NANGANG, PAYDAY, people, roster
from tests.unit.payout.watching import saves
from yikatong.batches import Batch
from yikatong.manifest import Manifest
from yikatong.runs import name_run
from yikatong.selection import CLAIMED_ELSEWHERE
from yikatong.states import BatchState

SIX = people(6)
FIRST, SECOND = SIX[:4], SIX[2:]


def ready() -> tuple[House, str, str]:
    house = House()
    house.cards(SIX)
    first = house.approved(roster(FIRST), DAOLI)
    second = house.approved(roster(SECOND, NANGANG, seed=2), NANGANG)
    house.on(PAYDAY)
    return house, first, second


def lost(house: House, batch_id: str) -> set[str]:
    return {person for person, (_, reason) in house.selection(batch_id).items() if reason == CLAIMED_ELSEWHERE}


def test_in_one_run_the_earlier_approval_is_paid_and_the_later_one_told_whom_it_lost() -> None:
    house, first, second = ready()
    house.pay()
    assert lost(house, first) == set()
    assert lost(house, second) == {person.id_number for person in SIX[2:4]}
    line = house.batch(second).selection
    assert line is not None
    assert (line.sent.count, line.not_sent.count) == (2, 2)
    house.check_at_rest(*SIX)


def test_in_two_runs_one_after_the_other_the_first_to_claim_is_paid() -> None:
    house, first, second = ready()
    stored = house.batch(first)
    house.control.items[(stored.pk, stored.sk)]["state"] = "VALIDATED"
    house.pay()
    house.control.items[(stored.pk, stored.sk)]["state"] = "APPROVED"
    house.pay(house.order(cause="ord1"))
    assert lost(house, first) == {person.id_number for person in SIX[2:4]}
    assert lost(house, second) == set()
    house.check_at_rest(*SIX)


def two_runs(house: House, first: str, second: str) -> tuple[str, str]:
    """Two runs alive at once, one batch each."""
    ids = []
    for cause, mine, other in (("sched", first, second), ("ord1", second, first)):
        stored = house.batch(other)
        state = stored.state
        if state is BatchState.APPROVED:
            house.control.items[(stored.pk, stored.sk)]["state"] = "VALIDATED"
        order = house.order(cause=cause)
        house.start(order)
        house.open(name_run(order))
        house.control.items[(stored.pk, stored.sk)]["state"] = state.value
        assert house.batch(mine).run_id == name_run(order)
        ids.append(name_run(order))
    return ids[0], ids[1]


def test_of_two_runs_at_once_the_loser_of_the_race_reads_again_and_claims_only_what_is_left() -> None:
    house, first, second = ready()
    run_1, run_2 = two_runs(house, first, second)
    house.watch.acts.append(("control.save", saves(Manifest), lambda: house.claim(run_2)))
    house.claim(run_1)
    files = house.manifest().files
    assert [(file.run_id, file.count) for file in files] == [(run_2, 4), (run_1, 2)]
    # The lost race wrote a file that nobody names: garbage, and never overwritten.
    assert len(house.lake.keys("claims/")) == 3
    house.drain()
    assert lost(house, first) == {person.id_number for person in SIX[2:4]}
    house.check_at_rest(*SIX)


@pytest.mark.parametrize("races", [1, 3])
def test_a_run_may_lose_the_race_again_and_again(races: int) -> None:
    house = House()
    everybody = people(2 + races)
    house.cards(everybody)
    mine = house.approved(roster(everybody), DAOLI)
    house.on(PAYDAY)
    order = house.order()
    house.start(order)
    house.open(name_run(order))
    for n in range(races):
        other = house.approved(roster([everybody[n]], NANGANG, seed=9 + n), NANGANG, name=f"{n}.csv")
        rival = house.order(cause=f"ord{n}")
        house.start(rival)
        house.open(name_run(rival))
        assert house.batch(other).run_id == name_run(rival)
        house.watch.acts.append(
            (
                "control.save",
                lambda arguments, n=n: saves(Manifest)(arguments) and arguments[0].version == n,
                lambda rival=rival: house.claim(name_run(rival)),
            )
        )
    house.claim(name_run(order))
    assert len(lost(house, mine)) == races
    house.drain()
    house.check_at_rest(*everybody)


def test_a_batch_is_bound_by_one_of_two_runs_that_open_at_once() -> None:
    house, first, second = ready()
    orders = [house.order(), house.order(cause="ord1")]
    for order in orders:
        house.start(order)
    house.watch.acts.append(("control.save", saves(Batch), lambda: house.open(name_run(orders[1]))))
    house.open(name_run(orders[0]))
    assert {house.batch(first).run_id, house.batch(second).run_id} == {name_run(orders[1])}
    house.drain()
    house.check_at_rest(*SIX)
