"""Claims under contention and across plans: whoever asks at once, and at whatever call, nobody is paid twice or lost.

(PROTOCOL C1-C5, W1; DESIGN §2.) The bank's book is the oracle.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from tests.unit.payout.house import House
from tests.unit.payout.rosters import (
    BOOK,
    CODE,
    DAOLI,
    GROUP,
    NANGANG,
    NUMBER,
    PAYDAY,
    PAYMENT_SECRET,
    SETTINGS,
    people,
    roster,
)
from tests.unit.payout.watching import Watch, WorkerDied, key_starts, saves
from yikatong import claims
from yikatong.batches import Batch, PassedTrial, trial_key
from yikatong.errors import Refusal
from yikatong.manifest import Manifest, manifest_key
from yikatong.payments import payment_id
from yikatong.plan import PlanBook
from yikatong.plan.book import PLANS_FOLDER
from yikatong.plan.register import Register
from yikatong.ports import RunOrder
from yikatong.roster.people import Person
from yikatong.roster.sample import make_sample
from yikatong.runs import Run, name_run
from yikatong.selection import ACCOUNT_OF_ANOTHER, CLAIMED_ELSEWHERE
from yikatong.states import BatchState
from yikatong.use_cases import claim_payments

TEN = people(10)
FIVE_REGIONS = ("230102", "230103", "230104", "230108", "230109")
RURAL = 3
MAY = "2023-05"
Matcher = Callable[[tuple[Any, ...]], bool]


def reads(kind: type) -> Matcher:
    return lambda arguments: arguments[0] is kind


def nth(matches: Matcher, place: int) -> Matcher:
    """Matches the call after `place` others of its sort."""
    left = [place]

    def matching(arguments: tuple[Any, ...]) -> bool:
        if not matches(arguments):
            return False
        left[0] -= 1
        return left[0] < 0

    return matching


def of_slot(slot: str, who: Sequence[Person], region: str = DAOLI, number: int = NUMBER, seed: int = 1) -> bytes:
    subsidy = BOOK.subsidy(2023, number)
    made = make_sample(
        subsidy=subsidy, settings=SETTINGS.for_subsidy(subsidy.code), region=region, rows=len(who), slots=[slot],
        seed=seed, include=who,
    )  # fmt: skip
    return made.roster_csv()


def edited(data: bytes, change: Callable[[dict[str, str]], dict[str, str]]) -> bytes:
    """The roster with every row changed, by the columns' names."""
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(change(row) for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def begun(house: House, cause: str, number: int = NUMBER) -> str:
    """A run that is alive and has bound whatever is free; its id."""
    order = house.order(cause=cause, number=number)
    house.start(order)
    house.open(name_run(order), order.code)
    return name_run(order)


def run_of(house: House, data: bytes, region: str, cause: str, number: int = NUMBER) -> tuple[str, str]:
    """A batch and a live run of its own: (batch, run)."""
    batch_id = house.approved(data, region, name=f"{cause}.csv", number=number)
    run_id = begun(house, cause, number)
    (batch,) = [batch for batch in house.batches(number).values() if batch.run_id == run_id]
    assert batch.batch_id == batch_id
    return batch_id, run_id


def end(house: House, run_id: str) -> None:
    """The run's execution dies."""
    (run,) = [run for run in house.runs() if run.run_id == run_id]
    house.executions.executions[run.execution] = "ENDED"


def credited(house: House) -> dict[str, int]:
    """How often each account was credited, by the bank's book."""
    times: Counter[str] = Counter()
    for entry in house.bank.book["payments"].values():
        times[entry["account"]] += entry["credited_times"]
    return dict(times)


def standing_keys(house: House, slot: str = "2023-06") -> list[str]:
    manifest = house.control.read(Manifest, *manifest_key(GROUP, slot))
    assert manifest is not None
    return claims.read_claims(manifest, house.lake.get)["key"].to_list()


def lost(house: House, batch_id: str) -> set[str]:
    return {person for person, (_, reason) in house.selection(batch_id).items() if reason == CLAIMED_ELSEWHERE}


# --- many runs at once -----------------------------------------------------------------------------------


@cache
def _five_runs() -> tuple[House, tuple[str, ...]]:
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    runs = [
        run_of(house, roster([*TEN, *TEN][n * 2 : n * 2 + 4], region, seed=n + 1), region, f"ord{n}")[1]
        for n, region in enumerate(FIVE_REGIONS)
    ]
    return house, tuple(runs)


def five_runs() -> tuple[House, tuple[str, ...]]:
    """Five live runs of one subsidy and slot, a batch each; everybody stands on two regions' lists."""
    house, runs = _five_runs()
    return house.copy(), runs


CALLS: list[tuple[str, Matcher]] = [
    ("control.read", reads(Manifest)),
    ("lake.get", key_starts("claims/")),
    ("lake.put_once", key_starts("claims/")),
    ("control.save", saves(Manifest)),
    ("lake.put_once", key_starts("selections/")),
    ("control.save", saves(Batch)),
    ("control.save", saves(Run)),
]
PLACES = [
    pytest.param(name, matches, place, id=f"{name} {n}, time {place + 1}")
    for n, (name, matches) in enumerate(CALLS)
    for place in ((0, 1) if n == 0 else (0,))
]


def check_each_once(house: House) -> None:
    keys = standing_keys(house)
    assert sorted(keys) == sorted({person.id_number for person in TEN})
    house.drain()
    house.check_at_rest(*TEN)
    assert set(credited(house).values()) == {1}


@pytest.mark.parametrize(("name", "matches", "place"), PLACES)
def test_of_five_runs_each_overtaken_by_the_next_at_the_same_call_everybody_is_claimed_once(
    name: str, matches: Matcher, place: int
) -> None:
    house, runs = five_runs()
    began: list[str] = []

    def claim(n: int) -> None:
        began.append(runs[n])
        if n + 1 < len(runs):
            house.watch.acts.append((name, nth(matches, place), lambda: claim(n + 1)))
        house.claim(runs[n])

    claim(0)
    house.watch.acts.clear()
    for run_id in runs:
        house.claim(run_id)
    assert len(began) >= 2, "nobody was overtaken"
    check_each_once(house)


@pytest.mark.parametrize(("name", "matches"), CALLS[:4], ids=[f"{name} {n}" for n, (name, _) in enumerate(CALLS[:4])])
def test_a_run_overtaken_by_four_others_one_after_the_other_claims_what_is_left(name: str, matches: Matcher) -> None:
    house, runs = five_runs()
    overtaken: list[str] = []

    def overtake(n: int) -> None:
        if n + 1 < len(runs):
            house.watch.acts.append((name, matches, lambda: overtake(n + 1)))
        overtaken.append(runs[n])
        with_own_acts(house, lambda: house.claim(runs[n]))

    house.watch.acts.append((name, matches, lambda: overtake(1)))
    house.claim(runs[0])
    for run_id in runs:
        house.claim(run_id)
    assert overtaken
    check_each_once(house)


def with_own_acts(house: House, do: Callable[[], object]) -> None:
    """Do it without anybody in between; the acts that wait go on waiting."""
    waiting, house.watch.acts = house.watch.acts, []
    do()
    house.watch.acts = waiting


def test_two_workers_of_one_run_claim_as_one() -> None:
    """A retry beside the worker it was taken for dead."""
    house, runs = five_runs()
    house.watch.acts.append(("control.save", saves(Manifest), lambda: house.claim(runs[0])))
    house.claim(runs[0])
    assert [file.run_id for file in house.manifest().files] == [runs[0]]
    for run_id in runs[1:]:
        house.claim(run_id)
    check_each_once(house)


def test_a_manifest_that_never_stands_still_fails_the_step_which_a_retry_repeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, runs = five_runs()
    monkeypatch.setattr(claim_payments, "LOST_RACES_LIMIT", 2)
    saving = saves(Manifest)
    for place, run_id in enumerate(runs[1:3]):
        rival = partial(with_own_acts, house, partial(house.claim, run_id))
        house.watch.acts.append(("control.save", nth(saving, place), rival))
    with pytest.raises(claim_payments.TooContended):
        house.claim(runs[0])
    for run_id in runs:
        house.claim(run_id)
    check_each_once(house)


# --- runs that die ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("name", "matches"), CALLS, ids=[f"{name} {n}" for n, (name, _) in enumerate(CALLS)])
def test_what_a_dead_run_had_bound_and_claimed_is_taken_up_by_the_next(
    name: str, matches: Matcher, after: bool
) -> None:
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    _, earlier = run_of(house, roster(TEN[:2]), DAOLI, "ord1")
    house.claim(earlier)
    house.drain()
    batch_id, run_id = run_of(house, roster(TEN, NANGANG, seed=2), NANGANG, "ord2")

    def die() -> None:
        house.watch.dies_at, house.watch.after = house.watch.count, after

    house.watch.acts.append((name, matches, die))
    with pytest.raises(WorkerDied):
        house.claim(run_id)
    house.watch_with(Watch())
    end(house, run_id)
    taken_up = house.pay(house.order(cause="ord3"))
    assert house.batch(batch_id).run_id == taken_up.run_id
    assert run_id in house.batch(batch_id).former_runs
    house.start(house.order(cause="ord2"))
    house.drain()
    house.check_at_rest(*TEN)


# --- evidence that was altered ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [lambda _data: None, lambda data: data[:-8], lambda data: data[:40] + b"X" + data[41:], lambda _data: b""],
    ids=["missing", "truncated", "altered", "empty"],
)
def test_a_claim_file_that_is_not_as_committed_stops_its_slot_and_no_other(
    spoil: Callable[[bytes], bytes | None],
) -> None:
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    _, first = run_of(house, roster(TEN[:2]), DAOLI, "ord1")
    house.claim(first)
    june, run_june = run_of(house, roster(TEN[2:4], NANGANG, seed=2), NANGANG, "ord2")
    may, run_may = run_of(house, of_slot(MAY, TEN[4:6], seed=3), DAOLI, "ord3")
    rural, run_rural = run_of(house, roster(TEN[6:8], NANGANG, seed=4, number=RURAL), NANGANG, "ord4", RURAL)
    price, run_price = run_of(house, roster(TEN[8:], NANGANG, seed=5, number=8), NANGANG, "ord5", 8)
    (file,) = house.manifest().files
    data, digest = house.lake.objects.pop(file.key)
    spoiled = spoil(data)
    if spoiled is not None:
        house.lake.objects[file.key] = (spoiled, digest)
    for run_id, code in ((run_june, CODE), (run_rural, str(BOOK.subsidy(2023, RURAL).code))):
        assert house.claim(run_id, code).stopped == 1
    assert house.batch(june).state is BatchState.BOUND
    house.claim(run_may)
    house.claim(run_price, str(BOOK.subsidy(2023, 8).code))
    for run_id, batch_id in ((run_may, may), (run_price, price)):
        assert house.pay_batch(batch_id, run_id) == "settled"
    assert {account for account, times in credited(house).items() if times} == {
        one.account for one in (*TEN[4:6], *TEN[8:])
    }
    # The file is put back from its version: everybody whom it stopped is paid, once.
    house.lake.objects[file.key] = (data, digest)
    house.drain()
    assert credited(house) == {one.account: 1 for one in TEN}
    assert house.batches(RURAL)[rural].state is BatchState.PUBLISHED


# --- withdrawal against everything -----------------------------------------------------------------------


@cache
def _claimed_one() -> tuple[House, str, str]:
    house = House()
    house.cards(TEN)
    house.set_funds(10_000_000)
    house.on(PAYDAY)
    batch_id, run_id = run_of(house, roster(TEN[:3]), DAOLI, "ord1")
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    return house, batch_id, run_id


def calls_of(do: Callable[[House], object]) -> list[str]:
    house = _claimed_one()[0].copy()
    do(house)
    return list(house.watch.calls)


def instruct(house: House) -> object:
    _, batch_id, run_id = _claimed_one()
    return house.instruct(batch_id, run_id)


def withdraw(house: House) -> object:
    try:
        return house.withdraw(_claimed_one()[1])
    except Refusal as refused:
        return refused


def check_one_or_the_other(house: House) -> None:
    """Withdrawn and nothing sent, or sent and not withdrawn: then everybody is paid. Either way the books balance."""
    _, batch_id, run_id = _claimed_one()
    withdrawn = house.batch(batch_id).state is BatchState.WITHDRAWN
    assert bool(house.bank.book["messages"]) is not withdrawn
    house.executions.executions[f"{run_id}-1"] = "RUNNING"
    house.drain()
    house.check_at_rest(*(() if withdrawn else TEN[:3]))
    if withdrawn:
        # What it held is free: the same people on another list are paid.
        house.approved(roster(TEN[:3], NANGANG, seed=9), NANGANG, name="again.csv")
        house.pay(house.order(cause="ord9"))
        house.check_at_rest(*TEN[:3])


@pytest.mark.parametrize("place", range(len(calls_of(instruct))))
def test_a_withdrawal_at_any_call_of_the_instruction_is_either_in_time_or_refused(place: int) -> None:
    house = _claimed_one()[0].copy()
    name = calls_of(instruct)[place]
    results: list[object] = []
    house.watch.acts.append(
        (name, lambda _arguments: house.watch.count == place, lambda: results.append(withdraw(house)))
    )
    instruct(house)
    (result,) = results
    assert isinstance(result, Refusal) is (house.batch(_claimed_one()[1]).state is not BatchState.WITHDRAWN)
    check_one_or_the_other(house)


@pytest.mark.parametrize("place", range(len(calls_of(withdraw))))
def test_an_instruction_at_any_call_of_the_withdrawal_sends_all_or_nothing(place: int) -> None:
    house = _claimed_one()[0].copy()
    name = calls_of(withdraw)[place]
    house.watch.acts.append((name, lambda _arguments: house.watch.count == place, lambda: instruct(house)))
    withdraw(house)
    assert house.watch.acts == []
    check_one_or_the_other(house)


@pytest.mark.parametrize(("name", "matches"), CALLS, ids=[f"{name} {n}" for n, (name, _) in enumerate(CALLS)])
def test_a_batch_withdrawn_at_any_call_of_its_claim_leaves_its_people_to_the_others(
    name: str, matches: Matcher
) -> None:
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    _, earlier = run_of(house, roster(TEN[:2]), DAOLI, "ord1")
    house.claim(earlier)
    mine, run_id = run_of(house, roster(TEN, NANGANG, seed=2), NANGANG, "ord2")
    house.watch.acts.append((name, matches, lambda: with_own_acts(house, lambda: house.withdraw(mine))))
    house.claim(run_id)
    assert house.watch.acts == []
    assert house.batch(mine).state is BatchState.WITHDRAWN
    house.drain()
    house.check_at_rest(*TEN[:2])
    house.approved(roster(TEN[2:], NANGANG, seed=3), NANGANG, name="again.csv")
    house.pay(house.order(cause="ord3"))
    house.check_at_rest(*TEN)


def test_released_claims_are_claimed_by_another_run_that_was_already_under_way() -> None:
    house, runs = five_runs()
    house.claim(runs[0])
    (first,) = [batch for batch in house.batches().values() if batch.run_id == runs[0]]
    house.watch.acts.append(("lake.put_once", key_starts("claims/"), lambda: house.withdraw(first.batch_id)))
    house.claim(runs[1])
    # The release moved the manifest's version: the second run lost its race, read again and found the people free.
    (second,) = [batch for batch in house.batches().values() if batch.run_id == runs[1]]
    assert lost(house, second.batch_id) == set()
    for run_id in runs[2:]:
        house.claim(run_id)
    house.drain()
    house.check_at_rest(*TEN[2:], *TEN[:2])


# --- subsidies of one group ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "matches"), CALLS[:4], ids=[f"{name} {n}" for n, (name, _) in enumerate(CALLS[:4])])
def test_of_two_exclusive_subsidies_at_once_each_person_has_one(name: str, matches: Matcher) -> None:
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    rural_code = str(BOOK.subsidy(2023, RURAL).code)
    urban, run_urban = run_of(house, roster(TEN[:6]), DAOLI, "ord1")
    rural, run_rural = run_of(house, roster(TEN[3:], NANGANG, seed=2, number=RURAL), NANGANG, "ord2", RURAL)
    house.watch.acts.append((name, matches, lambda: with_own_acts(house, lambda: house.claim(run_rural, rural_code))))
    house.claim(run_urban)
    house.claim(run_rural, rural_code)
    house.drain()
    assert credited(house) == {one.account: 1 for one in TEN}
    shared = {one.id_number for one in TEN[3:6]}
    assert [lost(house, urban), lost(house, rural)] in ([shared, set()], [set(), shared])


# --- a long manifest -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [2, claim_payments.CHECKPOINT_AFTER])
def test_a_manifest_past_its_limit_is_read_from_its_checkpoint_and_says_the_same(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run after the other; every second batch is withdrawn, some before a checkpoint sums it up and some after."""
    monkeypatch.setattr(claim_payments, "CHECKPOINT_AFTER", limit)
    everybody = people(limit + 6)
    house = House()
    house.cards(everybody)
    house.on(PAYDAY)
    withdrawn: list[str] = []
    batches: list[str] = []
    for n in range(limit + 4):
        batch_id, run_id = run_of(house, roster(everybody[n : n + 3], NANGANG, seed=n + 1), NANGANG, f"ord{n}")
        house.claim(run_id)
        batches.append(batch_id)
        if n % 3 == 1:
            house.withdraw(batch_id)
            withdrawn.append(batch_id)
    early = house.batch(batches[0])
    house.withdraw(early.batch_id)
    manifest = house.manifest()
    assert manifest.checkpoint is not None
    assert 0 < manifest.checkpoint.covers <= len(manifest.files)
    assert len(manifest.unread_files) <= limit
    # All of the files the checkpoint covers could be gone: it says what they said.
    by_files = claims.every_claim(manifest.model_copy(update={"checkpoint": None}), house.lake.get)
    by_checkpoint = claims.every_claim(manifest, house.lake.get)
    assert by_checkpoint.sort("key", "batch_id").equals(by_files.sort("key", "batch_id"))
    assert not set(claims.read_claims(manifest, house.lake.get)["batch_id"]) & {*withdrawn, early.batch_id}
    house.drain()
    house.check_always()
    # Everybody who lost to a batch that was withdrawn since, or was on it, is paid by one more list; nobody twice.
    house.approved(roster(everybody, DAOLI, seed=99), DAOLI, name="all.csv")
    house.pay(house.order(cause="ordlast"))
    assert credited(house) == {one.account: 1 for one in everybody}


@pytest.mark.parametrize("spoil", [lambda _: None, lambda data: data[:-8]], ids=["missing", "truncated"])
def test_a_checkpoint_that_is_not_as_committed_stops_its_slot(
    spoil: Callable[[bytes], bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_payments, "CHECKPOINT_AFTER", 1)
    house, runs = five_runs()
    for run_id in runs[:3]:
        house.claim(run_id)
    checkpoint = house.manifest().checkpoint
    assert checkpoint is not None
    data, digest = house.lake.objects.pop(checkpoint.key)
    spoiled = spoil(data)
    if spoiled is not None:
        house.lake.objects[checkpoint.key] = (spoiled, digest)
    assert house.claim(runs[3]).stopped == 1
    house.lake.objects[checkpoint.key] = (data, digest)
    for run_id in runs[3:]:
        house.claim(run_id)
    check_each_once(house)


@pytest.mark.parametrize("rival", ["another claim", "a release", "a rival's checkpoint", "a death"])
def test_a_race_on_the_checkpoints_commit_loses_nothing(rival: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_payments, "CHECKPOINT_AFTER", 2)
    house, runs = five_runs()
    for run_id in runs[:2]:
        house.claim(run_id)
    assert house.manifest().checkpoint is None
    (third,) = [batch for batch in house.batches().values() if batch.run_id == runs[3]]

    def act() -> None:
        if rival == "a death":
            house.watch.dies_at, house.watch.after = house.watch.count, False
        elif rival == "a release":
            house.withdraw(third.batch_id)
        else:
            house.claim(runs[3])
            if rival == "a rival's checkpoint":
                house.claim(runs[4])

    # The checkpoint's object is written; what names it is not.
    house.watch.acts.append(
        ("control.save", lambda arguments: saves(Manifest)(arguments) and arguments[0].checkpoint is not None, act)
    )
    if rival == "a death":
        with pytest.raises(WorkerDied):
            house.claim(runs[2])
        house.watch_with(Watch())
    house.claim(runs[2])
    for run_id in runs[2:]:
        house.claim(run_id)
    manifest = house.manifest()
    assert manifest.checkpoint is not None
    assert len(house.lake.keys(f"claims/{GROUP}/")) > len(manifest.files), "the race left nothing behind"
    if rival == "a release":
        house.drain()
        house.check_at_rest(*TEN)
    else:
        check_each_once(house)


# --- one person, two names for them ----------------------------------------------------------------------


def with_account_of(person: Person, other: Person) -> Person:
    """Somebody else on paper, with the other one's account: the same person under a corrected id, or a thief."""
    return replace(person, account=other.account, service_bank=other.service_bank)


def test_one_account_under_two_ids_in_one_roster_is_held_for_review_and_paid_only_if_accepted_by_name() -> None:
    for accept in (False, True):
        house = House()
        twin = with_account_of(TEN[1], TEN[0])
        house.cards([TEN[0], twin, *TEN[2:]])
        batch = house.upload(roster([TEN[0], twin, *TEN[2:]]))
        assert batch.review.count == 2
        rows = (2, 3) if accept else ()
        house.approve(batch, accepted_reviews=rows)
        house.on(PAYDAY)
        house.pay()
        times = credited(house)
        assert times.get(TEN[0].account, 0) == (2 if accept else 0)
        assert {times[one.account] for one in TEN[2:]} == {1}
        house.check_always()


def test_one_account_under_two_ids_in_two_regions_is_paid_to_the_first_only() -> None:
    house = House()
    twin = with_account_of(TEN[1], TEN[0])
    house.cards([TEN[0], twin])
    first = house.approved(roster([TEN[0]]), DAOLI)
    second = house.approved(roster([twin], NANGANG, seed=2), NANGANG)
    house.on(PAYDAY)
    house.pay()
    assert house.selection(first)[TEN[0].id_number] == ("sent", "")
    assert house.selection(second)[twin.id_number] == ("not_sent", ACCOUNT_OF_ANOTHER)
    assert house.batch(second).selection.lost_to == (first,)  # type: ignore[union-attr]
    assert credited(house) == {TEN[0].account: 1}


# --- a household through either spouse -------------------------------------------------------------------


def headed_by(head: Person) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda row: row | {"户主姓名": head.name, "户主身份证号": head.id_number}


HUSBAND, WIFE = TEN[0], TEN[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (edited(roster([WIFE]), headed_by(HUSBAND)), roster([WIFE], NANGANG, seed=2)),
        (roster([WIFE]), edited(roster([WIFE], NANGANG, seed=2), headed_by(HUSBAND))),
        (edited(roster([WIFE]), headed_by(HUSBAND)), roster([HUSBAND], NANGANG, seed=2)),
        (roster([HUSBAND]), edited(roster([WIFE], NANGANG, seed=2), headed_by(HUSBAND))),
        (edited(roster([WIFE]), headed_by(HUSBAND)), edited(roster([HUSBAND], NANGANG, seed=2), headed_by(WIFE))),
        (
            edited(roster([WIFE]), headed_by(HUSBAND)),
            edited(roster([TEN[2]], NANGANG, seed=2), headed_by(HUSBAND)),
        ),
        (edited(roster([WIFE]), headed_by(HUSBAND)), edited(roster([WIFE], NANGANG, seed=2), headed_by(TEN[2]))),
    ],
    ids=[
        "the wife under him, then on her own",
        "the wife on her own, then under him",
        "the wife under him, then he himself",
        "he himself, then the wife under him",
        "each under the other",
        "two members of one head",
        "one member of two heads",
    ],
)
def test_a_household_is_paid_once_through_whichever_of_them_the_lists_name(first: bytes, second: bytes) -> None:
    house = House()
    house.cards(TEN)
    house.approved(first, DAOLI)
    later = house.approved(second, NANGANG)
    house.on(PAYDAY)
    house.pay()
    assert len(lost(house, later)) == 1
    assert sum(credited(house).values()) == 1
    house.check_always()


def test_what_no_list_tells_cannot_be_known_two_lists_that_each_name_only_their_own() -> None:
    """Neither list says that the two are one household: the claim speaks for whom a row names (decisions, 2026-11-24)."""
    house = House()
    house.cards(TEN)
    house.approved(roster([HUSBAND]), DAOLI)
    house.approved(roster([WIFE], NANGANG, seed=2), NANGANG)
    house.on(PAYDAY)
    house.pay()
    assert credited(house) == {HUSBAND.account: 1, WIFE.account: 1}


# --- arrears across two years' plans ------------------------------------------------------------------------

DISABLED = "disabled-hardship-living"
IN_2023, IN_2024 = 17, 1
DECEMBER = "2023-12"


@pytest.fixture
def two_years(monkeypatch: pytest.MonkeyPatch) -> House:
    """A deployment with both years' plans, in which the same subsidy has another 序号 each year."""
    paths = [Path(__file__).parents[1] / "plan/fixtures/plan-2024.csv", PLANS_FOLDER / "heilongjiang-2023.csv"]
    names = PlanBook.load(paths[:1]).plan(2024).names
    register = Register.committed().with_plan(2024, names, {5: "corn-producer", 6: "new:old-age"})
    book = PlanBook.load(paths, register)
    assert book.subsidy(2023, IN_2023).code == book.subsidy(2024, IN_2024).code == DISABLED
    monkeypatch.setattr("tests.unit.payout.house.BOOK", book)
    house = House(date(2023, 12, 1))
    house.cards(TEN)
    for region in (DAOLI, NANGANG):
        pk, sk = trial_key(DISABLED, 2023, region)
        house.control.save(PassedTrial(pk=pk, sk=sk, batch_id="a trial", passed_at="2023-01-20"))
    return house


def december(house: House, plan_year: int, who: Sequence[Person], region: str, seed: int) -> str:
    """A roster for December 2023 under that year's plan, approved; the batch's id."""
    number = {2023: IN_2023, 2024: IN_2024}[plan_year]
    data = of_slot(DECEMBER, who, region, IN_2023, seed)
    return house.approved(data, region, number=number, plan_year=plan_year, name=f"{plan_year}-{seed}.csv")


def test_arrears_under_the_next_years_plan_and_number_are_paid_to_whom_this_years_did_not_pay(two_years: House) -> None:
    house = two_years
    december(house, 2023, TEN[:6], DAOLI, 1)
    house.on(date(2023, 12, 11))
    house.pay(RunOrder(2023, DISABLED, "formal", date(2023, 12, 11), "sched"))
    house.on(date(2024, 1, 10))
    later = december(house, 2024, TEN, NANGANG, 2)
    assert house.batch(later).plan_year == 2024
    assert house.batch(later).excluded.count == 6, "told when the roster arrives"
    house.pay(RunOrder(2024, DISABLED, "formal", date(2024, 1, 10), "sched"))
    assert credited(house) == {one.account: 1 for one in TEN}
    # The id says what is owed, not which plan pays it.
    owed = {f"{payment_id(PAYMENT_SECRET, DISABLED, DECEMBER, one.id_number)}-1" for one in TEN}
    assert set(house.bank.book["payments"]) == owed


@pytest.mark.parametrize(("name", "matches"), CALLS[:4], ids=[f"{name} {n}" for n, (name, _) in enumerate(CALLS[:4])])
def test_runs_of_two_years_plans_at_once_claim_one_slot_between_them(
    two_years: House, name: str, matches: Matcher
) -> None:
    """Both lists arrived before anybody was paid, in two regions; the old plan's run is late, the new one's early."""
    house = two_years
    house.on(date(2023, 12, 29))
    old = december(house, 2023, TEN[:6], DAOLI, 1)
    last_of_2023 = RunOrder(2023, DISABLED, "formal", date(2023, 12, 29), "ord1")
    house.start(last_of_2023)
    house.open(name_run(last_of_2023), DISABLED)
    house.on(date(2024, 1, 10))
    new = december(house, 2024, TEN[3:], NANGANG, 2)
    first_of_2024 = RunOrder(2024, DISABLED, "formal", date(2024, 1, 10), "ord2")
    house.start(first_of_2024)
    house.open(name_run(first_of_2024), DISABLED)
    rival = partial(with_own_acts, house, partial(house.claim, name_run(first_of_2024), DISABLED))
    house.watch.acts.append((name, matches, rival))
    house.claim(name_run(last_of_2023), DISABLED)
    assert house.watch.acts == []
    house.drain()
    shared = {one.id_number for one in TEN[3:6]}
    assert [lost(house, old), lost(house, new)] in ([shared, set()], [set(), shared])
    assert credited(house) == {one.account: 1 for one in TEN}
    assert [house.batch(one).funds_year for one in (old, new)] == [2023, 2024]


def test_who_was_lost_to_a_batch_withdrawn_between_the_losers_commit_and_its_reading_again_is_paid_after_all() -> None:
    """History: the loser's file was committed while the holder's claim stood; the holder is withdrawn and released; the
    loser reads the manifest again, finds nobody holding the row, calls an ordinary row `not_failed`, and `lost_to` is
    empty: neither a child batch nor an order ever takes the row up (C4). Two of four people are never paid."""
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    first, run_1 = run_of(house, roster(TEN[:4]), DAOLI, "ord1")
    second, run_2 = run_of(house, roster(TEN[2:6], NANGANG, seed=2), NANGANG, "ord2")
    house.claim(run_1)
    house.watch.acts.append(
        ("control.read", nth(reads(Manifest), 1), lambda: with_own_acts(house, lambda: house.withdraw(first)))
    )
    house.claim(run_2)
    assert {reason for _, reason in house.selection(second).values()} <= {"", "claimed_elsewhere"}
    house.drain()
    house.pay(house.order(cause="again9"))
    house.check_at_rest(*TEN[2:6])


def test_an_altered_claim_file_of_one_slot_does_not_stop_the_batches_of_other_slots() -> None:
    """History: June's file is damaged; a run binds a batch of June and one of May; the June slot raises and nothing of the
    run is CLAIMED. Every later run binds both again: all slots and regions of the subsidy stand still."""
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    run_of(house, roster(TEN[:2]), DAOLI, "ord1")
    june = house.approved(roster(TEN[2:4], NANGANG, seed=2), NANGANG, name="june.csv")
    may = house.approved(of_slot(MAY, TEN[4:6], seed=3), DAOLI, name="may.csv")
    house.drain()
    (file,) = house.manifest().files
    data, digest = house.lake.objects[file.key]
    house.lake.objects[file.key] = (data[:-8], digest)
    for n in range(2, 5):
        run_id = begun(house, f"ord{n}")
        assert house.claim(run_id).stopped == 1
        end(house, run_id)
    assert house.batch(june).state is BatchState.BOUND
    assert "2023-06" in house.batch(june).carried
    house.pay(house.order(cause="ord9"))
    assert house.batch(may).state is BatchState.PUBLISHED
    (left,) = (run for run in house.runs() if run.cause == "ord9")
    assert left.open_lines == (june,)
    house.lake.objects[file.key] = (data, digest)
    house.pay(house.order(cause="ord10"))
    house.check_always()
    assert credited(house) == {one.account: 1 for one in TEN[:6]}


def test_an_uncommitted_file_of_a_dead_worker_does_not_stop_its_run_that_has_lost_a_batch_meanwhile() -> None:
    """History: the run's worker wrote the file for base 0 with batches A and B and died; another run took A; the first run,
    started again, has B alone, the same base, and so the same key with another digest: DigestMismatch on every retry
    until some other claim moves the manifest on (C2: uncommitted files are garbage)."""
    house = House()
    house.cards(TEN)
    house.on(PAYDAY)
    house.approved(roster(TEN[:2]), DAOLI, name="a.csv")
    house.approved(roster(TEN[2:4], NANGANG, seed=2), NANGANG, name="b.csv")
    run_1 = begun(house, "ord1")

    def die() -> None:
        house.watch.dies_at, house.watch.after = house.watch.count, False

    house.watch.acts.append(("control.save", saves(Manifest), die))
    with pytest.raises(WorkerDied):
        house.claim(run_1)
    house.watch_with(Watch())
    end(house, run_1)
    order = house.order(cause="ord2")
    house.start(order)
    house.watch.acts.append(("workflow.status", nth(lambda _: True, 1), lambda: house.start(house.order(cause="ord1"))))
    house.open(name_run(order))
    assert {batch.run_id for batch in house.batches().values()} == {run_1, name_run(order)}
    house.claim(run_1)
    house.drain()
    house.check_at_rest(*TEN[:4])
