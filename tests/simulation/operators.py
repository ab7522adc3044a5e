"""People who press buttons at random moments, and, once the faults have stopped, those who put things in order again."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl

from tests.simulation.functions import BOOK, SETTINGS
from tests.simulation.invariants import Violated
from tests.simulation.platform import Message, Platform
from tests.simulation.worlds import DAOLI, ENOUGH_FEN, NANGANG, PRICE, World, approval, ask, batches, funds, items, put
from yikatong import parquet
from yikatong.plan import WorkingDays
from yikatong.roster.columns import Column
from yikatong.roster.sample import columns_of
from yikatong.states import ENDED_RUN, WITHDRAWABLE, RunState

Pick = dict[str, Any]
DELICATE = ("claim_payments", "reserve_funds", "instruct_bank", "settle_batch")
IMPATIENT = 0.7
"""How likely somebody wants a message sent again while it is under way: the one moment at which that must be refused."""
ORDERABLE = ("APPROVED", "BOUND", "CLAIMED")
OVER_THE_DEAD = 0.3
"""How likely the operators order new runs, before they look for those that have died."""


def open_day(platform: Platform, made: World) -> None:
    """What the payday brings by itself: a tick for each subsidy, and the operator's order of the trials."""
    for number in made.numbers:
        event = {
            "plan_year": 2023,
            "code": code_of(number),
            "mode": "formal",
            # Of the tenth, a Saturday, or of a day on which banks work.
            **platform.chance.choice(
                (
                    {"cadence": "once", "scheduled_at": "2023-06-12T01:00:00Z"},
                    {"cadence": "monthly", "scheduled_at": "2023-06-10T01:00:00Z"},
                )
            ),
        }
        platform.send(Message("start_run", event, record=False))
        if any(roster.mode == "trial" and f"/{number}/" in roster.key for roster in made.rosters):
            _order(platform, number, "trial")


def code_of(number: int) -> str:
    code = BOOK.subsidy(2023, number).code
    assert code is not None
    return code


class Crowd:
    """Everybody who may press something in a history."""

    def __init__(self, platform: Platform, made: World, chance: random.Random) -> None:
        self._platform, self._world, self._chance = platform, made, chance
        self._cards = 0
        self._reissues = 0
        self.orders_over_the_dead = chance.random() < OVER_THE_DEAD

    def press_at_random_moments(self) -> None:
        buttons: list[Callable[[], None]] = [
            self.withdraw, self.withdraw, self.approve, self.fund, self.order, self.stop, self.resume, self.resend,
            self.resend, self.correct, self.drop_cards, self.tick_again, self.pause, self.unpause, self.send_back,
            self.rule, self.reissue, self.reissue, self.mend,
        ]  # fmt: skip
        for _ in range(self._chance.choice((0, 1, 2, 4, 8))):
            seconds = self._chance.choice((4.0, 12.0, 30.0, 2000.0, 200_000.0)) * self._chance.random()
            self._platform.stage.after(seconds, self._chance.choice(buttons))
        aimed, rate = (
            (self.withdraw, self.withdraw, self.stop, self.fund, self.order),
            self._chance.choice((0, 0, 0.1, 0.3)),
        )

        def noticed(verb: str) -> None:
            """Somebody acts at the very moment at which a step begins that their act matters to."""
            if verb in DELICATE and not self._platform.faults.calm and self._chance.random() < rate:
                self._chance.choice(aimed)()

        self._platform.noticed = noticed

        def unanswered(message: str) -> None:
            """The message is still on the wire, and somebody who sees no answer wants it sent once more."""
            if self._chance.random() < IMPATIENT:
                seconds = self._chance.choice((1, 5, 60))
                self._platform.stage.after(seconds, lambda: self._resend(message))

        self._platform.unanswered = unanswered

    # --- buttons -----------------------------------------------------------------------------------------------------------

    def withdraw(self) -> None:
        if batch := self._one(batches(self._platform), lambda batch: batch["state"] in WITHDRAWABLE):
            self._again("the-approver", "POST", f"/v1/batches/{batch['batch_id']}/withdrawal", {"reason": "名单有误"})

    def approve(self) -> None:
        if batch := self._one(batches(self._platform), lambda batch: batch["state"] == "VALIDATED"):
            self._again("the-approver", "POST", f"/v1/batches/{batch['batch_id']}/approval", approval(batch))

    def fund(self) -> None:
        number, region = self._chance.choice(self._world.numbers), self._chance.choice((DAOLI, NANGANG))
        if number != PRICE:
            fen = self._chance.choice((100_000, 200_000, 400_000, ENOUGH_FEN))
            self._again("the-treasurer", "PUT", f"/v1/funds/2023/{number}/{region}/2023", funds(fen))

    def order(self) -> None:
        _order(self._platform, self._chance.choice(self._world.numbers), "formal")

    def stop(self) -> None:
        if run := self._one(items(self._platform, "RUNS#"), lambda run: run["state"] not in ENDED_RUN):
            self._again("the-operator", "POST", f"/v1/runs/{run['run_id']}/stop", {"reason": "核对"})

    def resume(self) -> None:
        if run := self._one(items(self._platform, "RUNS#"), lambda run: run["state"] not in ENDED_RUN):
            self._again("the-operator", "POST", f"/v1/runs/{run['run_id']}/resume", None)

    def resend(self) -> None:
        """Impatient people, who do not wait for the deadline, included."""
        if batch := self._one(batches(self._platform), lambda batch: batch.get("instruction", {}).get("messages")):
            self._resend(self._chance.choice(batch["instruction"]["messages"]))

    def _resend(self, message: str) -> None:
        self._again("the-operator", "POST", f"/v1/messages/{message}/resend", None)

    def correct(self) -> None:
        roster = self._chance.choice(self._world.corrections)
        put(self._platform, "roster-drop", roster.key, roster.data, mode=roster.mode)

    def drop_cards(self) -> None:
        self._cards += 1
        data = self._chance.choice(self._world.card_files)
        put(self._platform, "card-drop", f"replace/cards-20230612-{self._cards:02d}.csv", data)

    def tick_again(self) -> None:
        number = self._chance.choice(self._world.numbers)
        tick = {"plan_year": 2023, "code": code_of(number), "mode": "formal", "cadence": "once"}
        at = {"scheduled_at": self._platform.stage.now.replace(hour=9).isoformat()}
        self._platform.send(Message("start_run", tick | at, record=False))

    def pause(self) -> None:
        self._pause("pause")

    def unpause(self) -> None:
        self._pause("resume")

    def _pause(self, verb: str) -> None:
        number = self._chance.choice(self._world.numbers)
        self._again("the-operator", "POST", f"/v1/subsidies/2023/{number}/{verb}", {"reason": "核对"})

    def send_back(self) -> None:
        if batch := self._one(batches(self._platform), lambda batch: batch["state"] == "VALIDATED"):
            self._again("the-approver", "POST", f"/v1/batches/{batch['batch_id']}/rejection", {"reason": "请补正"})

    def rule(self) -> None:
        """Whatever a person says of a payment on which the bank contradicts itself, they have asked the bank."""
        if found := self._one(frozen_payments(self._platform), lambda _: True):
            rule(self._platform, found)

    def mend(self) -> None:
        """A holder puts an account in order; the bank takes the next payment to it."""
        self._platform.bank.mend(self._chance.choice(self._world.people).account)

    def reissue(self) -> None:
        """A bureau sends again what failed, sometimes for less; whoever approves it looks at it a little later."""

        if batch := self._one(batches(self._platform), has_failures):
            self._reissues += 1
            name = f"again{self._reissues}.csv"
            data = reissue_roster(self._platform, batch, self._chance)

            def told(status: int | None, reply: Any) -> None:
                if status == 200:
                    metadata = {key.removeprefix("x-amz-meta-"): value for key, value in reply["headers"].items()}
                    put(self._platform, "roster-drop", reply["key"], data, **metadata)
                    self._platform.stage.after(self._chance.choice((30, 3000)), self.approve)

            request = {
                "plan_year": 2023, "number": int(batch["number"]), "region": batch["region"], "file_name": name,
                "reissues": batch["batch_id"],
            }  # fmt: skip
            ask(self._platform, "the-clerk", "POST", "/v1/uploads", request, told)

    def _one(self, among: list[Pick], fits: Callable[[Pick], Any]) -> Pick | None:
        fitting = [one for one in among if fits(one)]
        return self._chance.choice(fitting) if fitting else None

    def _again(self, principal: str, method: str, path: str, body: Any, tries: int = 3) -> None:
        """Whoever gets no answer, or is told of a failure, tries again after a while, or gives it up."""

        def told(status: int | None, _reply: Any) -> None:
            if (status is None or status == 500) and tries and self._chance.random() < 0.6:
                wait_s = self._chance.choice((1, 20, 4000))
                self._platform.stage.after(wait_s, lambda: self._again(principal, method, path, body, tries - 1))

        ask(self._platform, principal, method, path, body, told)


def has_failures(batch: Pick) -> bool:
    settlement = batch.get("settlement", {})
    failed = any(settlement.get(word, {}).get("count", 0) for word in ("rejected", "returned"))
    return bool(batch["mode"] == "formal" and failed)


def reissue_roster(platform: Platform, batch: Pick, chance: random.Random) -> bytes:
    """A roster of the batch's failed payments, in the bureau's own columns, as its result sheet gives them back."""
    settled = parquet.decode(object_in(platform, "lake", batch["settlement"]["key"]))
    failed = set(settled.filter(pl.col("state").is_in(["REJECTED", "RETURNED"]))["row"])
    payments = parquet.decode(object_in(platform, "lake", batch["instruction"]["payments_key"]))
    rows = []
    for row in payments.iter_rows(named=True):
        if row["row"] in failed:
            fen = row["amount_fen"] - chance.choice((0, 0, 100))
            rows.append(
                {
                    Column.NAME: row["beneficiary_name"],
                    Column.ID: row["beneficiary_id"],
                    Column.HEAD_ID: row["key"],
                    Column.PAYEE_NAME: row["payee_name"],
                    Column.PAYEE_ID: row["payee_id"],
                    Column.SLOT: row["slot"],
                    Column.AMOUNT: f"{fen // 100}.{fen % 100:02d}",
                }
            )
    columns = columns_of(SETTINGS.for_subsidy(batch["code"]))
    lines = [",".join(column.label for column in columns)]
    lines += [",".join(row.get(column, "") for column in columns) for row in rows]
    return "\r\n".join(lines).encode("utf-8-sig")


def object_in(platform: Platform, bucket: str, key: str) -> bytes:
    body: bytes = platform.clients["s3"].get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def frozen_payments(platform: Platform) -> list[tuple[str, str]]:
    """Batch and end-to-end id of every payment on which the bank contradicts itself."""
    found = []
    for batch in batches(platform):
        if batch.get("settlement", {}).get("frozen", {}).get("count"):
            settled = parquet.decode(object_in(platform, "lake", batch["settlement"]["key"]))
            frozen = settled.filter(pl.col("state") == "FROZEN")["end_to_end_id"]
            found += [(batch["batch_id"], payment) for payment in frozen]
    return found


def rule(platform: Platform, payment: tuple[str, str]) -> None:
    """By the bank's own book."""
    batch_id, end_to_end_id = payment
    book = platform.bank.simulator.book()
    entry = (book["trial"] if ".trial." in batch_id else book)["payments"][end_to_end_id]
    if entry["credited_times"] or entry["rejected_times"]:
        ruled = {"ruled": "settled" if entry["credited_times"] else "rejected", "reason": "已与银行核实"}
        ask(platform, "the-treasurer", "POST", f"/v1/batches/{batch_id}/payments/{end_to_end_id}/ruling", ruled)


def _order(platform: Platform, number: int, mode: str, told: Callable[[int | None, Any], None] | None = None) -> None:
    ask(platform, "the-operator", "POST", "/v1/runs", {"plan_year": 2023, "number": number, "mode": mode}, told)


# --- putting things in order -------------------------------------------------------------------------------------------------


REISSUE_DAYS = (1, 3)
"""On these days after the faults bureaus send again what failed, and holders have put their accounts in order."""


def put_in_order(platform: Platform, made: World, crowd: Crowd, day: int) -> bool:
    """One working day of the operators after the faults: what is stuck is taken up. Returns whether anything was."""
    platform.redrive()
    platform.stage.play()
    busy = False
    if day in REISSUE_DAYS:
        crowd.mend()
        crowd.reissue()
        platform.stage.play()
    if crowd.orders_over_the_dead:
        order_over_the_dead(platform, made)
    for batch in batches(platform):
        if batch["state"] == "WITHDRAWN" and not batch.get("released"):
            _press(
                platform, "the-approver", "POST", f"/v1/batches/{batch['batch_id']}/withdrawal", {"reason": "名单有误"}
            )
            busy = True
    dead = dead_runs(platform)
    for run in items(platform, "RUNS#"):
        if run["state"] not in ENDED_RUN:
            if run["state"] == RunState.STOPPED or run["run_id"] in dead:
                _press(platform, "the-operator", "POST", f"/v1/runs/{run['run_id']}/resume", None)
            busy = True
    for pause in items(platform, "PAUSE#"):
        if pause.get("paused"):
            number = next(number for number in made.numbers if code_of(number) == pause["pk"].partition("#")[2])
            _press(platform, "the-operator", "POST", f"/v1/subsidies/2023/{number}/resume", {"reason": "恢复"})
            busy = True
    for payment in frozen_payments(platform):
        rule(platform, payment)
        platform.stage.play()
        busy = True
    for item in items(platform, "FUNDS#"):
        if "allocated_fen" in item and item["allocated_fen"] < ENOUGH_FEN:
            number = next(number for number in made.numbers if code_of(number) == item["code"])
            _press(
                platform, "the-treasurer", "PUT", f"/v1/funds/2023/{number}/{item['region']}/2023", funds(ENOUGH_FEN)
            )
            busy = True
    waiting = {(batch["code"], batch["mode"]) for batch in batches(platform) if batch["state"] in ORDERABLE}
    for number in made.numbers:
        for mode in ("trial", "formal"):
            if (code_of(number), mode) in waiting:
                _order(platform, number, mode)
                platform.stage.play()
                busy = True
    for batch in batches(platform):
        if in_doubt(batch):
            for message in batch["instruction"]["messages"]:
                _press(platform, "the-operator", "POST", f"/v1/messages/{message}/resend", None)
            busy = True
    return busy


def dead_runs(platform: Platform) -> set[str]:
    """Those that have not ended, that nobody stopped, and that no execution carries."""
    return {
        run["run_id"]
        for run in items(platform, "RUNS#")
        if run["state"] not in (*ENDED_RUN, RunState.STOPPED)
        and platform.status_of(f"{run['run_id']}-{int(run['attempt'])}") != "RUNNING"
    }


def order_over_the_dead(platform: Platform, made: World) -> None:
    """Where a run has died, another one is ordered: it takes what that one held, though nobody resumes it (R2, trace 3)."""
    dead, begun = dead_runs(platform), set()

    def told(_status: int | None, reply: Any) -> None:
        begun.add((reply or {}).get("run_id"))

    for number in made.numbers:
        for mode in ("trial", "formal"):
            if any((batch["code"], batch["mode"]) == (code_of(number), mode) for batch in _held_by(dead, platform)):
                _order(platform, number, mode, told)
                platform.stage.play()
    for run in items(platform, "RUNS#"):
        if run["run_id"] in begun:
            for batch in _held_by(dead & dead_runs(platform), platform):
                if (batch["code"], batch["mode"]) == (run["code"], run["mode"]):
                    raise Violated(f"{batch['batch_id']} is still held by {batch['run_id']}, which is dead")


def _held_by(runs: set[str], platform: Platform) -> list[Pick]:
    return [
        batch for batch in batches(platform) if batch.get("run_id") in runs and batch["state"] in ("BOUND", "CLAIMED")
    ]


def in_doubt(batch: Pick) -> bool:
    """Whether the bank's word on some payment is missing; frozen payments wait for a person's ruling, not for the bank."""
    if not batch.get("instruction", {}).get("messages") or batch["state"] not in ("INSTRUCTED", "SETTLED", "PUBLISHED"):
        return False
    settlement = batch.get("settlement")
    return settlement is None or settlement["in_doubt"]["count"] > settlement.get("frozen", {"count": 0})["count"]


def _press(platform: Platform, principal: str, method: str, path: str, body: Any) -> None:
    ask(platform, principal, method, path, body)
    platform.stage.play()


def next_working_day(platform: Platform) -> None:
    days, stage = WorkingDays.committed(), platform.stage
    day = days.next_after(stage.now.date())
    stage.pass_time(stage.now.replace(year=day.year, month=day.month, day=day.day, hour=9) + timedelta(minutes=1))
    platform.bank.simulator.set_day(stage.now.date())
