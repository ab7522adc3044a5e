"""The people around one history: a clerk, an approver, an operator, who repeat what broke off and take up what is in doubt.

They know nothing of the crash; they do what DESIGN and PROTOCOL leave to people, and each such deed is noted, so that the
table can say who recovered: the platform's own retry, the restart of a dead run, or an operator.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.credentials import Credentials

from cli.api import Signer, fen_of
from infra.local.cloud import REGION, LocalCloud
from infra.local.moto_patches import tell_of_death
from tests.faults.scene import Scene, Stage, until
from yikatong.batches import Batch, batches_pk
from yikatong.plan import PlanBook, Settings
from yikatong.roster.columns import Column
from yikatong.roster.people import Person
from yikatong.roster.sample import make_sample
from yikatong.runs import Run
from yikatong.states import ENDED_RUN, BatchState, RunState

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
REST_S = 90
"""How long a history may take to come to rest before that is a finding of its own."""
MESSAGE_DEADLINE_S = 900
"""message_deadline_s of banks.toml: sooner nobody may resend."""
MAX_DEEDS = 6
"""How often people step in before they give up; one crash needs one deed."""

_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


class WorkerLost(Exception):
    """The API broke down: its worker died, or one that it waited for, and nobody knows how far it had come."""


class Refused(Exception):
    """The API refused, in words."""


class NoRest(Exception):
    """Work of this history went on for longer than anything here takes."""


@dataclass(frozen=True)
class Lane:
    """Two subsidies of one claim group, a county and a slot that no other history uses at the same time."""

    first: int
    second: int
    region: str
    slot: str

    def number(self, subject: str) -> int:
        return self.first if subject == "A" else self.second

    def code(self, subject: str) -> str:
        code = BOOK.subsidy(2023, self.number(subject)).code
        assert code is not None
        return code


LANES = (Lane(4, 5, "230102", "2023-06"), Lane(6, 7, "230103", "2023-06"), Lane(12, 13, "230104", "2023"))
"""What a cloud's histories share out between them; each is left as it was found (`playing.clear`)."""


@dataclass(frozen=True)
class Sent:
    """A roster as it was sent: who is in it, and how much each is to get, in fen."""

    who: tuple[Person, ...]
    amounts: tuple[int, ...]
    lines: tuple[bytes, ...]
    """The file: its titles, and a line for each of them."""
    object_key: str


@dataclass
class Desk:
    """The cloud as people reach it; shared by its histories."""

    cloud: LocalCloud
    stage: Stage
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    @classmethod
    def of(cls, cloud: LocalCloud) -> "Desk":
        stage = Stage({name: verb for verb, name in cloud.resources["functions"].items()})
        cloud.watch(stage)
        return cls(cloud, stage)

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """Ask the bureau API as somebody. Raises WorkerLost and Refused."""
        url = f"{self.cloud.endpoints['bureau']}{path}"
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        key = self.cloud.keys[name]
        signer = Signer(Credentials(key.access_key_id, key.secret_access_key), REGION)
        answer = self.http.request(method, url, content=content, headers=signer.sign(method, url, content))
        if answer.status_code >= 500:
            raise WorkerLost(path)
        if answer.is_error:
            raise Refused(f"{answer.status_code}: {answer.text}")
        return answer.json()

    def items(self, pk: str) -> list[dict[str, Any]]:
        """The control table's items under a partition key, read from moto itself: asked over HTTP it would do little else."""
        from moto.dynamodb.models import dynamodb_backends
        from moto.dynamodb.models.dynamo_type import DynamoType

        tables: Any = dynamodb_backends[self.account][REGION].tables
        partition = tables[self.cloud.resources["tables"]["control"]].items.get(DynamoType({"S": pk}), {})
        found = [_plain(item.to_json()["Attributes"]) for item in list(partition.values())]
        return sorted(found, key=lambda item: str(item["sk"]))

    def scan(self, table: str) -> list[dict[str, Any]]:
        pages = self.cloud.client("dynamodb").get_paginator("scan")
        name = self.cloud.resources["tables"][table]
        return [_plain(item) for page in pages.paginate(TableName=name) for item in page["Items"]]

    def delete(self, table: str, items: Sequence[dict[str, Any]]) -> None:
        name = self.cloud.resources["tables"][table]
        for item in items:
            key = {part: _serializer.serialize(item[part]) for part in ("pk", "sk")}
            self.cloud.client("dynamodb").delete_item(TableName=name, Key=key)

    @property
    def account(self) -> str:
        """The cloud's account, under which moto keeps what is in it."""
        return str(self.cloud.resources["state_machine_arn"].split(":")[4])

    @cached_property
    def secretive(self) -> frozenset[str]:
        """The functions that are told of a secret, and ask for it once in a worker's life."""
        functions = self.cloud.client("lambda")
        return frozenset(
            verb
            for verb, name in self.cloud.resources["functions"].items()
            for variable in functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            if variable.endswith("_SECRET")
        )

    @property
    def bank_book(self) -> dict[str, Any]:
        return dict(self.cloud.bank.call("GET", "/book"))


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


class History:
    """One history on a lane of a cloud, and what its people did."""

    def __init__(self, desk: Desk, lane: Lane, scene: Scene, who: Sequence[Person], seed: int) -> None:
        self.desk, self.lane, self.scene, self.who = desk, lane, scene, tuple(who)
        self.deeds: list[str] = []
        self.sent: dict[str, Sent] = {}
        self.funds_before = {subject: self.funds(subject) for subject in ("A", "B")}
        self._silences: Counter[str] = Counter()
        self._others: frozenset[str] = frozenset()
        # Of an earlier history with the same subsidies in another slot, where nobody cleared up.
        self._others = frozenset(one.batch_id for one in self.batches()) | {one.run_id for one in self.all_runs()}
        self._seed = seed
        for subject in ("A", "B"):
            number = lane.number(subject)
            scene.tokens |= {
                lane.code(subject): subject,
                f'\\"number\\": {number},': subject,
                f"2023/{lane.region}/{number}/": subject,
            }

    # --- a clerk and an approver -----------------------------------------------------------------------------------------

    def upload(self, label: str, who: Sequence[Person], subject: str = "A") -> Batch:
        """Send these people's roster and wait for its verdict; from then on `label` names what concerns the batch."""
        subsidy = BOOK.subsidy(2023, self.lane.number(subject))
        sample = make_sample(
            subsidy=subsidy, settings=SETTINGS.for_subsidy(self.lane.code(subject)), region=self.lane.region,
            rows=len(who), slots=[self.lane.slot], seed=self._seed, include=who,
        )  # fmt: skip
        amounts = tuple(fen_of(str(row[Column.AMOUNT])) for row in sample.rows)
        lines = tuple(sample.roster_csv().splitlines(keepends=True))
        return self._send(label, tuple(who), amounts, lines, subject)

    def upload_reissue(self, label: str, of: Batch, first: str, count: int) -> Batch:
        """Send the first so many people of a roster again, whose payments the bank has rejected."""
        sent = self.sent[first]
        return self._send(label, sent.who[:count], sent.amounts[:count], sent.lines[: count + 1], "A", of.batch_id)

    def _send(
        self,
        label: str,
        who: tuple[Person, ...],
        amounts: tuple[int, ...],
        lines: tuple[bytes, ...],
        subject: str,
        reissues: str = "",
    ) -> Batch:
        body = {
            "plan_year": 2023,
            "number": self.lane.number(subject),
            "region": self.lane.region,
            "file_name": f"{label}-{uuid.uuid4().hex[:8]}.csv",
            "mode": "formal",
            "reissues": reissues,
        }
        with self.scene.offstage():
            grant = self.desk.call("harbin-clerk", "POST", "/v1/uploads", body)
        self.sent[label] = Sent(who, amounts, lines, grant["key"])
        self.scene.batch_tokens[grant["key"]] = label
        self.desk.http.put(grant["url"], content=b"".join(lines), headers=grant["headers"]).raise_for_status()
        self.rest(lambda: self._judged(label) is not None)
        batch = self._judged(label)
        assert batch is not None, "the roster was never judged"
        assert batch.state is BatchState.VALIDATED, f"{batch.state}: {batch.refusal}"
        self.scene.batch_tokens[batch.digest] = label
        return batch

    def allocate(self, subject: str, fen: int) -> None:
        """The treasurer sets exactly what is needed: whatever is reserved twice is then missing."""
        path = f"/v1/funds/2023/{self.lane.number(subject)}/{self.lane.region}/2023"
        reserved, spent = self.funds_before[subject]
        with self.scene.offstage():
            body = {"allocated_fen": reserved + spent + fen, "reason": "下达"}
            self.desk.call("province-treasurer", "PUT", path, body)

    def approve(self, batch: Batch) -> None:
        words = json.loads(batch.model_dump_json(include={"sha256", "object_version", "payable", "held"}))
        path = f"/v1/batches/{batch.batch_id}/approval"
        self.persist(lambda: self.desk.call("harbin-approver", "POST", path, words))

    def withdraw(self, batch: Batch) -> None:
        """Withdraw once more after a crash only while the batch does not say WITHDRAWN: then it looks done to the clerk."""
        path = f"/v1/batches/{batch.batch_id}/withdrawal"
        try:
            self.persist(
                lambda: self.desk.call("harbin-approver", "POST", path, {"reason": "名单有误"}),
                done=lambda: self.batch(batch.batch_id).state is BatchState.WITHDRAWN,
            )
        except Refused:
            # Too late: the bank has been told.
            assert self.batch(batch.batch_id).instruction is not None

    # --- an operator -----------------------------------------------------------------------------------------------------

    def order(self, subject: str = "A") -> None:
        """Order a run; after a crash once more, unless the order was heard: a run of that subsidy stands."""
        known = len(self.runs(subject))

        def heard() -> bool:
            # The run that was not ordered is one that others are held for.
            self.scene.let_go()
            self.rest(lambda: True)
            return len(self.runs(subject)) > known

        self.persist(lambda: self.ask_for_a_run(subject), done=heard)

    def ask_for_a_run(self, subject: str) -> None:
        body = {"plan_year": 2023, "number": self.lane.number(subject), "mode": "formal"}
        self.desk.call("province-operator", "POST", "/v1/runs", body)

    def finish(self) -> None:
        """Wait until nothing goes on, step in where only a person can, and again, until nothing is left to do."""
        for _ in range(MAX_DEEDS):
            self.rest(lambda: True)
            steps = (
                self._restart_dead_runs,
                self._withdraw_to_the_end,
                self._resend_what_is_in_doubt,
                self._order_what_was_left,
            )
            if not any(step() for step in steps):
                return

    def persist(self, ask: Callable[[], Any], done: Callable[[], bool] = lambda: False) -> None:
        """Ask; when the worker dies over it, look whether it is done all the same, and otherwise ask again."""
        try:
            ask()
        except WorkerLost:
            if done():
                return
            self.deeds.append("asked again")
            ask()

    def _restart_dead_runs(self) -> bool:
        """Tell EventBridge of dead executions, once what kept killing them no longer does (`payout-died` in infra.stack)."""
        dead = [run for run in self.all_runs() if run.state not in ENDED_RUN and run.state is not RunState.STOPPED]
        for run in dead:
            execution = self._execution(run.execution)
            assert execution.exec_status not in ("SUCCEEDED", "RUNNING"), (
                f"{run.execution} is {execution.exec_status}, its run {run.state}"
            )
            self.scene.relented = True
            tell_of_death(execution)
            self.deeds.append("restarted")
        return bool(dead)

    def _withdraw_to_the_end(self) -> bool:
        """A withdrawal that broke off is on the work list, which says to withdraw once more."""
        cut_short = [batch for batch in self.batches() if batch.state is BatchState.WITHDRAWN and not batch.released]
        for batch in cut_short:
            self.deeds.append("withdrew again")
            self.withdraw(batch)
        return bool(cut_short)

    def _resend_what_is_in_doubt(self) -> bool:
        """B3: once the deadline has passed, the operator orders the messages sent that the bank has never received."""
        doubtful = [
            batch
            for batch in self.batches()
            if batch.instruction and (batch.settlement is None or batch.settlement.in_doubt.count)
        ]
        if not doubtful:
            return False
        self.desk.cloud.clock.pass_time(MESSAGE_DEADLINE_S + 1)
        for batch in doubtful:
            assert batch.instruction is not None
            for message in batch.instruction.messages:
                self.deeds.append("resent")
                path = f"/v1/messages/{message}/resend"
                self.persist(lambda path=path: self._resend(path))  # type: ignore[misc]
        return True

    def _resend(self, path: str) -> None:
        try:
            self.desk.call("province-operator", "POST", path)
        except Refused as refused:
            # A crash after the note of a resend leaves it in doubt anew: the next deadline is waited for.
            if not any(word in str(refused) for word in ("too_early", "conflict")):
                raise

    def _order_what_was_left(self) -> bool:
        """An approved batch that no run has taken: the next tick would, here the operator orders it."""
        left = {
            batch.code
            for batch in self.batches()
            if batch.state in (BatchState.APPROVED, BatchState.BOUND, BatchState.CLAIMED)
        }
        for subject in ("A", "B"):
            if self.lane.code(subject) in left:
                self.deeds.append("ordered again")
                self.order(subject)
        return bool(left)

    # --- looking ---------------------------------------------------------------------------------------------------------

    def rest(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds and nothing of this history goes on. Raises NoRest."""
        if not until(lambda: self._is_at_rest() and condition() and self._is_at_rest(), REST_S):
            raise NoRest(f"{self._going_on()}; batches {[(b.batch_id, b.state.value) for b in self.batches()]}")

    def _is_at_rest(self) -> bool:
        """Nothing goes on, and nothing does once the bank has delivered what it has ready. Waiting that nobody will end is
        cut short: the day's silence that AWS would wait for."""
        going_on = self._going_on()
        if going_on and not going_on.startswith("executions"):
            return False
        self.desk.cloud.bank.flush()
        if going_on and self._going_on() == going_on:
            self._let_waiting_tasks_time_out()
        return not self._going_on()

    def _let_waiting_tasks_time_out(self) -> None:
        for label in ("A", "B", *self.sent):
            if self.scene.ended["await_receipts", label] > self._silences[label]:
                self._silences[label] = self.scene.ended["await_receipts", label]
                for batch in self.batches():
                    for task in self.desk.items(f"TOKEN#{batch.batch_id}"):
                        self.desk.cloud.time_out_task(task["token"])

    def _going_on(self) -> str:
        # In the order in which work travels, so that none slips by between two looks: queue, worker, execution, queue.
        if any(self.scene.subject_of(body) is not None for body in self.desk.cloud.pending_messages()):
            return "messages"
        if self.scene.busy:
            return "workers"
        if running := [name for name in self._running() if self.scene.subject_of(name) is not None]:
            return f"executions {running}"
        if any(self.scene.subject_of(body) is not None for body in self.desk.cloud.pending_messages()):
            return "messages"
        return "workers" if self.scene.busy else ""

    def _running(self) -> list[str]:
        return [execution.name for execution in self._executions() if execution.exec_status == "RUNNING"]

    def _execution(self, name: str) -> Any:
        return next(execution for execution in self._executions() if execution.name == name)

    def _executions(self) -> list[Any]:
        """From moto itself, as `Desk.items`."""
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        backend: Any = stepfunctions_parser_backends[self.desk.account][REGION]
        return [execution for machine in list(backend.state_machines) for execution in list(machine.executions)]

    def batches(self, subject: str = "") -> list[Batch]:
        subjects = (subject,) if subject else ("A", "B")
        keys = [batches_pk(self.lane.code(each), "formal") for each in subjects]
        found = [Batch.model_validate(item) for key in keys for item in self.desk.items(key)]
        return [batch for batch in found if batch.batch_id not in self._others]

    def batch(self, batch_id: str) -> Batch:
        (found,) = [batch for batch in self.batches() if batch.batch_id == batch_id]
        return found

    def funds(self, subject: str) -> tuple[int, int]:
        """What is reserved and what is spent, in fen, of the subsidy in this county."""
        items = [
            item for item in self.desk.items(f"FUNDS#{self.lane.code(subject)}") if item["region"] == self.lane.region
        ]
        return sum(int(item["reserved_fen"]) for item in items), sum(int(item["spent_fen"]) for item in items)

    def runs(self, subject: str) -> list[Run]:
        found = [Run.model_validate(item) for item in self.desk.items(f"RUNS#{self.lane.code(subject)}")]
        return [run for run in found if run.run_id not in self._others]

    def all_runs(self) -> list[Run]:
        return [*self.runs("A"), *self.runs("B")]

    def _judged(self, label: str) -> Batch | None:
        key = self.sent[label].object_key
        found = [
            batch for batch in self.batches() if batch.object_key == key and batch.state is not BatchState.RECEIVED
        ]
        return found[0] if found else None
