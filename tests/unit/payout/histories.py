"""What the tests `test_ways_to_lose_*` begin their histories with: contradictions, runs half done, and a seasonal subsidy."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from infra.local.bank.answers import Answer, receipt
from tests.fakes import MemoryOrders
from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import BOOK, DAOLI, NANGANG, PAYDAY, SETTINGS, roster
from tests.unit.payout.test_reissue import FOUR, attempt
from tests.unit.payout.watching import WorkerDied, key_starts
from yikatong.batches import PassedTrial, trial_key
from yikatong.plan import WorkingDays
from yikatong.ports import RunOrder
from yikatong.roster.people import Person
from yikatong.roster.sample import make_sample
from yikatong.runs import name_run
from yikatong.use_cases.pause_subsidy import pause_subsidy, resume_subsidy
from yikatong.use_cases.set_funds import FundsRequest, set_funds
from yikatong.use_cases.start_run import ScheduledTick, start_ordered_run, start_scheduled_run

ONE = FOUR[0]
CORN = 39
"""Corn producers' subsidy: paid within a 正式发放时间 that ends on Saturday 30 September 2023, in the banks' holiday."""
CORN_CODE = str(BOOK.subsidy(2023, CORN).code)


def contradict(house: House, batch_id: str, name: str = "late") -> None:
    """The bank says of ONE's first attempt, rejected before, that it was paid after all."""
    (message,) = house.messages(batch_id)
    entry = house.bank.book["payments"][attempt(ONE, 1)]
    said = Answer(attempt(ONE, 1), entry["amount_fen"], "ACSC", "", "2023-06-20")
    house.receive(receipt(name, "2023-06-20", message, [said]))


def credited(house: House, payment: str) -> bool:
    """Whether the bank's book has paid it."""
    return bool(house.bank.book["payments"].get(payment, {}).get("credited_times"))


def approved_on_payday(who: Sequence[Person] = FOUR) -> tuple[House, str]:
    """A batch of these people, approved, on the day of its run."""
    house = House()
    house.cards(who)
    batch_id = house.approved(roster(who))
    house.on(PAYDAY)
    return house, batch_id


def claimed(house: House, order: RunOrder) -> str:
    """The order's run, begun, with its rows taken up and its payments claimed; its id."""
    house.start(order)
    run_id = name_run(order)
    house.take_up(run_id)
    house.open(run_id)
    house.claim(run_id)
    return run_id


def ended(house: House, order: RunOrder) -> None:
    """The run's execution has ended, whatever became of the run."""
    house.executions.executions[house.run(order).execution] = "ENDED"


def never_sent(house: House, batch_id: str, run_id: str) -> None:
    """The worker dies between INSTRUCTED and the mark that the message leaves."""
    house.watch.acts.append(("lake.put_once", key_starts("sent/"), dying(house)))
    with pytest.raises(WorkerDied):
        house.instruct(batch_id, run_id)


def corn_house() -> House:
    """The first of August, and trials passed in two regions."""
    house = House(date(2023, 8, 1))
    for region in (DAOLI, NANGANG):
        pk, sk = trial_key(CORN_CODE, 2023, region)
        house.control.save(PassedTrial(pk=pk, sk=sk, batch_id="", passed_at=""))
    return house


def corn(who: Sequence[Person], region: str = DAOLI, seed: int = 5) -> bytes:
    made = make_sample(
        subsidy=BOOK.subsidy(2023, CORN), settings=SETTINGS.for_subsidy(CORN_CODE), region=region, rows=len(who),
        slots=["2023"], seed=seed, include=who,
    )  # fmt: skip
    return made.roster_csv()


def pause_corn(house: House) -> None:
    pause_subsidy(house.c, BOOK, house.who("operator"), 2023, CORN, "查账", house.now)


def resume_corn(house: House) -> None:
    resume_subsidy(house.c, house.o, BOOK, house.who("operator"), 2023, CORN, "查清了", house.now)


def fund_corn(house: House, fen: int, region: str = DAOLI) -> None:
    who = house.who("treasurer")
    set_funds(
        house.c_of(who), house.o, BOOK, who, plan_year=2023, number=CORN, region=region, year=2023,
        request=FundsRequest(allocated_fen=fen, reason="下达"), today=house.now.date(),
    )  # fmt: skip


def played(house: House) -> list[str]:
    """What waits as an order, carried out on the banks' working days, postponed runs included; what was done, one word each."""
    schedules, said = MemoryOrders(), []
    orders, house.orders.runs = house.orders.runs, []
    ports: dict[str, Any] = {
        "control": house.c, "workflow": house.w, "schedules": schedules, "book": BOOK, "settings": SETTINGS,
        "working_days": WorkingDays.committed(),
    }  # fmt: skip
    for order in orders:
        said.append(start_ordered_run(order, **ports, now=house.now))
    house.drain()
    for _name, at, payload in schedules.once:
        house.on(at.date())
        # The run is dated by the day that its schedule was due, which need not be the day on which it is carried out.
        due = datetime.fromisoformat(payload["scheduled_at"])
        said.append(start_scheduled_run(ScheduledTick(**(payload | {"scheduled_at": due})), **ports))
    house.drain()
    return said
