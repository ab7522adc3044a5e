"""What AWS does by itself: queues that deliver at least once, executions that are walked and die, events, schedules."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.messaging import MAX_RECEIVES
from tests.simulation.bank import BankSide
from tests.simulation.faults import Faults
from tests.simulation.functions import ARN, Functions, play_on
from tests.simulation.gate import befall
from tests.simulation.machine import TOKEN, Failed, Invoke, Items, ReadItems, Update, Wait, Walk, payout, walk
from tests.simulation.services.dynamodb import MemoryDynamo
from tests.simulation.services.s3 import MemoryS3, Version
from tests.simulation.services.workflow import MemoryEvents, MemoryScheduler, MemoryStepFunctions
from tests.simulation.stage import Stage, Worker, WorkerDied

VISIBILITY_S = 60
ASYNC_TRIES = 3
RECEIPT_TIMEOUT_S, ENQUIRY_WAIT_S, ENQUIRY_ATTEMPTS = 3600, 600, 3
A_DAY_S = 86_400
DROPS = {"roster-drop": "validate_roster", "card-drop": "import_cards", "bank-exchange": "receive_receipt"}
EXPECTED = frozenset(
    {
        "ClientError", "ReadTimeoutError", "Conflict", "Unfinished", "NotWritten", "TooContended", "TimeoutError",
        "OrderNotTaken", "Refusal", "ConditionalCheckFailedException", "TransactionCanceledException",
    }
)  # fmt: skip
"""What a function may fail with when its surroundings do. Anything else is a defect (see `Platform.unexpected`)."""
BREAKS = ("throttled", "lost answer")
"""Faults at a call after which an API may answer that it is broken; after no other."""


class PresumedDead(Exception):
    """The platform waits no longer for a worker, which lives on."""


@dataclass
class Message:
    """In a queue: an event for `verb`; `record` when it is an SQS record, else an asynchronous invocation."""

    verb: str
    body: dict[str, Any]
    record: bool = True
    receives: int = 0


@dataclass
class Execution:
    name: str
    payload: str
    status: str = "RUNNING"


@dataclass
class Platform:
    """One deployment in memory, and everything that happens in it."""

    chance: random.Random
    faults: Faults
    stage: Stage
    bank: BankSide
    clients: dict[str, Any] = field(default_factory=dict)
    functions: type[Functions] = Functions
    queue: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    tokens: dict[str, Callable[[Any, Failed | None], None]] = field(default_factory=dict)
    schedules: dict[str, datetime] = field(default_factory=dict)
    story: list[tuple[Any, ...]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    noticed: Callable[[str], None] = lambda _verb: None
    """Told of every function that is started: people act when something happens."""
    unanswered: Callable[[str], None] = lambda _message: None
    """Told of every message to the bank that is late, and no answer came."""
    _tokens: int = 0
    _random_hex: int = 0

    def __post_init__(self) -> None:
        self.stage.moves = self.moves
        self.bank.attach(self)
        self.machine = payout(RECEIPT_TIMEOUT_S, ENQUIRY_WAIT_S, ENQUIRY_ATTEMPTS)
        self.clients |= {
            "stepfunctions": MemoryStepFunctions(self),
            "events": MemoryEvents(self),
            "scheduler": MemoryScheduler(self),
        }
        self.use_stores(MemoryDynamo(), MemoryS3(lambda: self.stage.now))
        play_on(self)

    def use_stores(self, dynamodb: Any, s3: Any) -> None:
        self.clients |= {"dynamodb": dynamodb, "s3": s3}
        s3.created = self._created

    # --- calls of workers ------------------------------------------------------------------------------------------------

    def call(self, name: str, about: str, effect: Callable[[], Any]) -> Any:
        """A worker calls the outside: others may come first, and the call may meet with a fault."""
        stage = self.stage
        stage.switch()
        worker = stage.worker
        assert worker is not None
        worker.calls += 1
        self.counts["calls"] += 1
        fault = self.faults.at_a_call()
        worker.broken = worker.broken or fault in BREAKS
        if fault == "presumed dead":
            self._presume_dead(worker)
        elif fault == "slow worker":
            stage.sleep(self.chance.choice((1, 20, 200, 800)))
        try:
            result = befall(fault, effect, name)
        except BaseException as error:
            self.tell(worker.name, name, about, fault, _in_short(error))
            raise
        self.tell(worker.name, name, about, fault, "")
        return result

    def time_of_worker(self) -> datetime:
        assert self.stage.worker is not None
        return self.stage.now + self.stage.worker.skew

    def token_hex(self, count: int) -> str:
        self._random_hex += 1
        return f"{self._random_hex:0{2 * count}x}"

    def tell(self, *what: Any) -> None:
        self.story.append((self.stage.now, *what))

    # --- workers ---------------------------------------------------------------------------------------------------------

    def start(self, verb: str, work: Callable[[], Any], ended: Callable[[Any, BaseException | None], None]) -> Worker:
        """Invoke a function; `ended` is told its result or what it failed with."""
        self.counts["invocations"] += 1
        name = f"{verb}#{self.counts['invocations']}"
        faults = self.faults
        skew = timedelta(seconds=self.chance.randint(-A_DAY_S, A_DAY_S)) if faults.strikes("clock is wrong") else None
        worker = Worker(
            name=name,
            verb=verb,
            work=work,
            ended=lambda result, error: ended(result, error),
            ends_by=self.stage.now + timedelta(seconds=self.functions.time_limit_s(verb)),
            skew=skew or timedelta(),
            version=int(faults.strikes("other version of the code")),
        )
        self.tell(name, "starts", "", f"clock {skew}" if skew else "", "next release" if worker.version else "")
        given_up = worker.ended

        def note(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self._judge(worker, error)
            given_up(result, error)

        worker.ended = note
        self.stage.start(worker)
        self.noticed(verb)
        return worker

    def _judge(self, worker: Worker, error: BaseException) -> None:
        kind = type(error).__name__
        self.tell(worker.name, "fails", _in_short(error))
        self.logs.append(f"{kind}: {error}")
        if isinstance(error, WorkerDied):
            self.counts["workers died"] += 1
        elif kind not in EXPECTED and not isinstance(error, PresumedDead):
            self.unexpected.append(f"{worker.name}: {kind}: {error}")

    def _presume_dead(self, worker: Worker) -> None:
        ended, worker.ended = worker.ended, lambda _result, error: error and self._judge(worker, error)
        ended(None, PresumedDead())

    # --- queues and events -----------------------------------------------------------------------------------------------

    def moves(self) -> list[Callable[[], None]]:
        return [lambda message=message: self._deliver(message) for message in self.queue]

    def send(self, message: Message) -> None:
        self.queue.append(message)

    def _deliver(self, message: Message) -> None:
        self.queue.remove(message)
        message.receives += 1

        def work() -> Any:
            if message.record:
                return self.functions.record(message.verb, message.body)
            return self.functions.handle(message.verb, message.body)

        def ended(_result: Any, error: BaseException | None) -> None:
            if error is None:
                if self.faults.strikes("message delivered twice"):
                    self.stage.after(self.chance.choice((0, 1, VISIBILITY_S, A_DAY_S)), lambda: self.send(message))
            elif message.receives >= (MAX_RECEIVES if message.record else ASYNC_TRIES):
                self.tell("queue", "dead letter", message.verb)
                self.dead.append(message)
            else:
                self.stage.after(VISIBILITY_S, lambda: self.send(message))

        self.start(message.verb, work, ended)

    def redrive(self) -> None:
        """Somebody moves what lies in the dead-letter queues back."""
        for message in self.dead:
            message.receives = 0
            self.send(message)
        self.dead.clear()

    def take_event(self, kind: str, detail: str) -> None:
        if kind == "RunOrdered":
            self.tell("bus", "RunOrdered", detail)
            self.send(Message("start_run", {"detail": json.loads(detail)}))

    def schedule_tick(self, name: str, at: datetime, event: str) -> bool:
        if name in self.schedules:
            return False
        self.schedules[name] = at
        due = at.replace(tzinfo=self.stage.now.tzinfo)
        self.stage.at(due, lambda: self.send(Message("start_run", json.loads(event), record=False)))
        return True

    def _created(self, bucket: str, key: str, version: Version) -> None:
        verb = DROPS.get(bucket)
        if verb is None or key.startswith("quarantine/"):
            return
        item = {"key": key, "version-id": f"v{version.number}", "sequencer": f"{version.number:016x}"}
        self.send(Message(verb, {"detail": {"bucket": {"name": bucket}, "object": item}}))

    # --- executions ------------------------------------------------------------------------------------------------------

    def start_execution(self, name: str, payload: str) -> bool:
        standing = self.executions.get(name)
        if standing is not None:
            return standing.status == "RUNNING" and standing.payload == payload
        execution = self.executions[name] = Execution(name, payload)
        self.counts["executions"] += 1
        self.tell("execution", name, "starts")

        def ended(_result: Any, failure: Failed | None) -> None:
            self._end(execution, "FAILED" if failure else "SUCCEEDED")

        self._advance(execution, walk(self.machine, json.loads(payload)), ended, None, None)
        return True

    def status_of(self, name: str) -> str | None:
        execution = self.executions.get(name)
        return execution.status if execution else None

    def abort(self, name: str) -> None:
        execution = self.executions[name]
        if execution.status == "RUNNING":
            self._end(execution, "ABORTED")

    def answer_task(self, token: str) -> bool:
        resume = self.tokens.pop(token, None)
        if resume is None:
            return False
        resume({}, None)
        return True

    def _end(self, execution: Execution, status: str) -> None:
        if execution.status != "RUNNING":
            return
        execution.status = status
        self.tell("execution", execution.name, status)
        # Word of it comes on a best-effort basis; the next run, or a person, finds out otherwise.
        if status != "SUCCEEDED" and not self.faults.strikes("death not heard of"):
            news = {"stateMachineArn": ARN, "name": execution.name, "status": status, "input": execution.payload}
            self.send(Message("start_run", {"detail": news}))

    def _advance(
        self,
        execution: Execution,
        steps: Walk,
        ended: Callable[[Any, Failed | None], None],
        value: Any,
        failure: Failed | None,
    ) -> None:
        """Give a walk the outcome of its last request, and do the next one."""
        if execution.status != "RUNNING":
            return
        try:
            request = steps.throw(failure) if failure is not None else steps.send(value)
        except StopIteration as stop:
            ended(stop.value, None)
            return
        except Failed as failed:
            ended(None, failed)
            return
        waiting = True

        def resume(value: Any, failure: Failed | None) -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                self._advance(execution, steps, ended, value, failure)

        match request:
            case Invoke():
                self._invoke(execution, request, resume)
            case Wait():
                self.stage.after(request.seconds, lambda: resume(None, None))
            case ReadItems():
                found = self.clients["s3"].get_object(Bucket=request.bucket, Key=request.key)
                resume(json.loads(found["Body"].read()), None)
            case Items():
                self._walk_items(execution, request.walks, resume)
            case Update():
                self.clients["dynamodb"].update_item(**_with_time(request.request, self.stage.now))
                resume({}, None)

    def _invoke(self, execution: Execution, request: Invoke, resume: Callable[[Any, Failed | None], None]) -> None:
        if self.faults.strikes("execution dies"):
            self._end(execution, "FAILED")
            return
        payload, token = request.payload, ""
        if request.timeout_s is not None:
            self._tokens += 1
            token = f"token-{self._tokens}"
            payload = {key: token if value == TOKEN else value for key, value in payload.items()}
            self.tokens[token] = resume

            def time_out() -> None:
                self.tokens.pop(token, None)
                resume(None, Failed("States.Timeout"))

            self.stage.after(request.timeout_s, time_out)
        self.logs.append(json.dumps(payload))

        def ended(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self.tokens.pop(token, None)
                name = "Lambda.Unknown" if isinstance(error, WorkerDied | PresumedDead) else type(error).__name__
                resume(None, Failed(name))
            elif not token:
                self.logs.append(json.dumps(result))
                resume(json.loads(self.logs[-1]), None)

        self.start(request.verb, lambda: self.functions.handle(request.verb, payload), ended)

    def _walk_items(
        self, execution: Execution, walks: tuple[Walk, ...], resume: Callable[[Any, Failed | None], None]
    ) -> None:
        left = len(walks)

        def ended(_result: Any, _failure: Failed | None) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                resume([], None)

        if not walks:
            resume([], None)
        for steps in walks:
            self._advance(execution, steps, ended, None, None)


def _with_time(request: dict[str, Any], now: datetime) -> dict[str, Any]:
    return json.loads(json.dumps(request).replace("$$.State.EnteredTime", now.isoformat()))  # type: ignore[no-any-return]


def _in_short(error: BaseException) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    return f"{type(error).__name__} {code}" if code else f"{type(error).__name__}: {error}"[:300]
