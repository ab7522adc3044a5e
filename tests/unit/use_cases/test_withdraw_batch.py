"""Withdrawal: the state first, then a release in every slot; it goes on from any crash (traces 7, 11, 12)."""

from datetime import date
from typing import Any

import pytest

from tests.fakes import MemoryControl, MemoryOrders
from yikatong.batches import Batch, Tally, batch_key
from yikatong.errors import Conflict, Refusal
from yikatong.funds import Funds, funds_key, no_funds_yet
from yikatong.manifest import Manifest, empty_manifest, manifest_key
from yikatong.plan import PlanBook, Settings
from yikatong.ports import Stored
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import Run, run_key
from yikatong.states import WITHDRAWABLE, BatchState, RunState
from yikatong.use_cases.withdraw_batch import MAX_RACES, withdraw_batch

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
CODE, GROUP, SLOTS = "urban-minimum-living", "minimum-living", ("2023-05", "2023-06")


def identity(mode: str = "formal") -> str:
    return f"{CODE}.{mode}.230102.0123456789abcdef"


def store(control: MemoryControl, state: str = "APPROVED", mode: str = "formal", **changes: Any) -> None:
    pk, sk = batch_key(identity(mode))
    batch = Batch(
        pk=pk,
        sk=sk,
        batch_id=identity(mode),
        plan_year=2023,
        number=2,
        code=CODE,
        region="230102",
        mode=mode,
        state=BatchState(state),
        object_key="2023/230102/2/a.csv",
        object_version="v1",
        sha256="a" * 64,
        uploader="harbin-clerk",
        received_at="2023-06-05T09:00:00+08:00",
        payable=Tally(count=1, fen=100),
        slots=SLOTS,
    )
    control.save(batch.changed(**changes))


def withdraw(control: MemoryControl, mode: str = "formal", role: str = "clerk", reason: str = "名单有误") -> Batch:
    pk, sk = principal_key("harbin-clerk")
    who = Principal(pk=pk, sk=sk, name="harbin-clerk", role=Role(role), region="230100")
    today = date(2023, 6, 12)
    return withdraw_batch(control, MemoryOrders(), BOOK, SETTINGS, who, identity(mode), reason, today)


def releases(control: MemoryControl, slot: str) -> tuple[str, ...]:
    manifest = control.read(Manifest, *manifest_key(GROUP, slot))
    return manifest.releases if manifest else ()


@pytest.mark.parametrize("state", sorted(WITHDRAWABLE))
def test_a_batch_is_withdrawn_from_every_state_before_the_bank_knows(state: BatchState) -> None:
    control = MemoryControl()
    store(control, state)
    batch = withdraw(control)
    assert (batch.state, batch.released) == (BatchState.WITHDRAWN, True)
    assert batch == control.read(Batch, *batch_key(identity()))
    assert batch.withdrawn_because == "harbin-clerk：名单有误"


@pytest.mark.parametrize("state", ["INSTRUCTED", "SETTLED", "PUBLISHED", "REFUSED"])
def test_a_batch_the_bank_knows_of_stays(state: str) -> None:
    control = MemoryControl()
    store(control, state)
    with pytest.raises(Refusal, match="不能撤回") as refused:
        withdraw(control)
    assert refused.value.code == "conflict"
    assert releases(control, "2023-06") == ()


def test_every_slot_is_released_whether_or_not_anything_was_claimed() -> None:
    control = MemoryControl()
    store(control)
    control.save(empty_manifest(GROUP, "2023-06").model_copy(update={"releases": ("another",)}))
    withdraw(control)
    assert releases(control, "2023-05") == (identity(),)
    assert releases(control, "2023-06") == ("another", identity())


def test_a_trial_has_no_claims_to_release() -> None:
    control = MemoryControl()
    store(control, mode="trial")
    assert withdraw(control, "trial").released
    assert releases(control, "2023-06") == ()


def test_reserved_funds_are_given_back_once() -> None:
    control = MemoryControl()
    store(control, "CLAIMED", reserved_fen=100, funds_year=2023)
    control.save(no_funds_yet(CODE, "230102", 2023).allocate(500, "年初", "t").reserve(100))
    withdraw(control)
    withdraw(control)
    funds = control.read(Funds, *funds_key(CODE, "230102", 2023))
    assert funds is not None
    assert (funds.reserved_fen, funds.available_fen) == (0, 500)
    batch = control.read(Batch, *batch_key(identity()))
    assert batch is not None
    assert batch.reserved_fen is None


class Crash(Exception):
    """The worker dies at this write."""


@pytest.mark.parametrize("effect", ["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_a_withdrawal_that_died_at_any_write_is_finished_by_repeating_it(write: int, effect: str) -> None:
    control = MemoryControl()
    store(control, "CLAIMED", reserved_fen=100, funds_year=2023)
    control.save(no_funds_yet(CODE, "230102", 2023).reserve(100))
    save, writes = control.save, 0

    def dying(*items: Stored) -> None:
        nonlocal writes
        writes += 1
        if writes != write:
            return save(*items)
        if effect == "after":
            save(*items)
        raise Crash

    control.save = dying  # type: ignore[method-assign]
    with pytest.raises(Crash):
        withdraw(control)
    batch = withdraw(control)
    funds = control.read(Funds, *funds_key(CODE, "230102", 2023))
    assert (batch.state, batch.released) == (BatchState.WITHDRAWN, True)
    assert funds is not None
    assert funds.reserved_fen == 0
    assert [releases(control, slot) for slot in SLOTS] == [(identity(),), (identity(),)]


def test_a_lost_race_for_the_manifest_is_run_again() -> None:
    control = MemoryControl()
    store(control)
    save = control.save
    raced: list[object] = []

    def racing(*items: Stored) -> None:
        if isinstance(items[0], Manifest) and not raced:
            raced.append(items[0])
            save(empty_manifest(GROUP, items[0].sk).model_copy(update={"releases": ("another",)}))
        save(*items)

    control.save = racing  # type: ignore[method-assign]
    withdraw(control)
    assert releases(control, "2023-05") == ("another", identity())


def test_a_batch_instructed_meanwhile_is_not_withdrawn() -> None:
    control = MemoryControl()
    store(control, "CLAIMED")
    save = control.save
    raced: list[object] = []

    def racing(*items: Stored) -> None:
        if not raced:
            raced.append(True)
            stored = control.read(Batch, *batch_key(identity()))
            assert stored is not None
            save(stored.moved(BatchState.INSTRUCTED))
        save(*items)

    control.save = racing  # type: ignore[method-assign]
    with pytest.raises(Refusal, match="已向银行发出指令"):
        withdraw(control)


def test_endless_races_end_in_an_answer() -> None:
    control = MemoryControl()
    store(control)
    tries = []

    def losing(*_items: Stored) -> None:
        tries.append(1)
        raise Conflict("lost")

    control.save = losing  # type: ignore[method-assign]
    with pytest.raises(Refusal, match="稍后再试"):
        withdraw(control)
    assert len(tries) == MAX_RACES


def test_a_withdrawal_needs_a_role_and_a_reason() -> None:
    control = MemoryControl()
    store(control)
    with pytest.raises(Refusal, match="角色是财政资金"):
        withdraw(control, role="treasurer")
    with pytest.raises(Refusal, match="写明撤回的原因"):
        withdraw(control, reason=" ")


def test_an_unknown_batch_is_not_found() -> None:
    with pytest.raises(Refusal, match="没有这个批次"):
        withdraw(MemoryControl())


def test_a_carried_batch_that_is_withdrawn_closes_its_line_in_the_ended_run() -> None:
    control = MemoryControl()
    run_id = f"{CODE}-20230612-formal-sched"
    pk, sk = run_key(CODE, run_id)
    run = Run(
        pk=pk,
        sk=sk,
        run_id=run_id,
        plan_year=2023,
        code=CODE,
        mode="formal",
        as_of=date(2023, 6, 12),
        cause="sched",
        state=RunState.CLOSED_OPEN_ITEMS,
        open_lines=(identity(),),
    )
    control.save(run)
    store(control, "CLAIMED", run_id=run_id, carried="资金额度不足")
    withdraw(control)
    ended = control.read(Run, pk, sk)
    assert ended is not None
    assert (ended.state, ended.open_lines) == (RunState.CLOSED, ())
