"""How long one question of the public query takes inside the function, and whether a stopwatch tells one kind from another.

    python -m tests.benchmarks.query [--times 2000]

The real handler with its real adapters and clients: requests are built and signed, answers parsed. Only the wire is not there:
what would be sent is answered from memory, and the time that takes is left out, so the table's own time is in no figure.
`wall` is what a visitor waits for, `processor` the part of it that does not depend on who else uses this machine. Kinds take
turns in a shuffled order. `longer` is how often a question of one kind takes longer than one of another (0.5: a
stopwatch tells nothing), `p` the probability of so unequal ranks if the two were alike (Mann-Whitney, normal approximation).
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functions.public_api.handler import handler
from tests.public_service import CONTEXT, LAVISH, api_event
from yikatong.attempts import Limits
from yikatong.aws import wiring as wiring_module
from yikatong.aws.environment import Environment
from yikatong.aws.items import serialize
from yikatong.aws.wiring import Wiring
from yikatong.identity import check_digit
from yikatong.records import Outcome, RecordKeys, person_key, records_of
from yikatong.roster.people import Person, invent_people
from yikatong.states import PaymentState

KEYS = RecordKeys(b"the record key of the benchmark")
VARIABLES = {
    "RECORDS_TABLE": "records",
    "ATTEMPTS_TABLE": "attempts",
    "RECORD_KEY_SECRET": "record-key",
    "SITE_BUCKET": "site",
    "SITE_ORIGIN": "",
    "CHALLENGE": "local",
}
NOBODYS_ACCOUNT = {"AWS_DEFAULT_REGION": "cn-north-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S"}
"""Requests are signed with it, and go nowhere."""
RECORDS_OF_ONE = 12
"""A monthly subsidy's year."""
WARM_UP = 200
FOUND, WRONG_NAME, NOBODY = "found", "wrong name", "nobody"


@dataclass(frozen=True)
class Taken:
    """Time on the wall and on the processor, in ms."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> "Taken":
        return cls(time.perf_counter_ns() / 1e6, time.thread_time_ns() / 1e6)

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(self.wall + other.wall, self.processor + other.processor)

    def __sub__(self, other: "Taken") -> "Taken":
        return Taken(self.wall - other.wall, self.processor - other.processor)


NOTHING = Taken(0, 0)


class Wire:
    """Answers what would be sent to AWS; `inside` is the time it took since it was last set to nothing."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self.counts: Counter[str] = Counter()
        self.inside = NOTHING
        self.calls: Counter[str] = Counter()

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        began = Taken.now()
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.calls[operation] += 1
        content = getattr(self, operation)(json.loads(request.body))
        answered = AWSResponse(request.url, 200, HTTPHeaders(), _Raw(content))
        self.inside += Taken.now() - began
        return answered

    def Query(self, asked: dict[str, Any]) -> bytes:
        return self.items.get(
            asked["ExpressionAttributeValues"][":pk"]["S"], b'{"Items":[],"Count":0,"ScannedCount":0}'
        )

    def UpdateItem(self, asked: dict[str, Any]) -> bytes:
        counter = asked["Key"]["id"]["S"]
        self.counts[counter] += 1
        return json.dumps({"Attributes": {"attempts": {"N": str(self.counts[counter])}}}).encode()

    def GetSecretValue(self, _: dict[str, Any]) -> bytes:
        return json.dumps({"SecretString": KEYS.read.decode()}).encode()


class _Raw:
    """The body of an answer, as urllib3 hands it over."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]


class WiredToMemory(Wiring):
    def __init__(self, wire: Wire) -> None:
        super().__init__(Environment(VARIABLES))
        self._wire = wire

    @property
    def limits(self) -> Limits:
        return LAVISH

    def client(self, service: str) -> Any:
        made = service in self._clients
        client = super().client(service)
        if not made:
            client.meta.events.register("before-send", self._wire.answer)
        return client


def records_page(person: Person) -> bytes:
    outcomes = (
        Outcome(
            role="beneficiary", code="urban-minimum-living", subsidy="城市最低生活保障金", plan_year=2023, region="230102",
            slot=f"2023-{month:02d}", payment_id="P" * 26, attempt=1, amount_fen=65_000, state=PaymentState.SETTLED,
            channel="card", account_tail="1234", seq=1, paid_on=f"2023-{month:02d}-12",
        )
        for month in range(1, RECORDS_OF_ONE + 1)
    )  # fmt: skip
    items = [
        serialize(record)
        for outcome in outcomes
        for record in records_of(KEYS.written, person.id_number, person.name, outcome)
    ]
    return json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items)}).encode()


def questions(people: Sequence[Person], times: int, chance: random.Random) -> list[tuple[str, str, str]]:
    """(kind, name, number), so many of each kind, shuffled."""
    asked = []
    for _ in range(times):
        person, other = chance.choice(people), chance.choice(people)
        stranger = f"{person.id_number[:14]}{chance.randrange(1000):03d}"
        asked += [
            (FOUND, person.name, person.id_number),
            # A character more: of the same length as a real name, and nobody's.
            (WRONG_NAME, f"{other.name[0]}㛃{other.name[2:]}", person.id_number),
            (NOBODY, f"{other.name[0]}䶮{other.name[2:]}", stranger + check_digit(stranger)),
        ]
    chance.shuffle(asked)
    return asked


def ask(wire: Wire, name: str, number: str) -> tuple["Taken", int]:
    """The function's own time, and how many records it told."""
    body = json.dumps({"name": name, "id_number": number})
    event = api_event("POST", "/v1/query", body, headers={"Content-Type": "application/json"})
    wire.inside = NOTHING
    began = Taken.now()
    answer = handler(event, CONTEXT)
    taken = Taken.now() - began - wire.inside
    assert answer["statusCode"] == 200, answer["body"]
    return taken, len(json.loads(answer["body"])["records"])


def ranked(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """How often a value of `one` is above one of `other`, ties half; and p of the Mann-Whitney test, two-sided."""
    both = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum, tie_term, at = 0.0, 0.0, 0
    while at < len(both):
        end = at
        while end < len(both) and both[end][0] == both[at][0]:
            end += 1
        rank_sum += sum(which == 0 for _, which in both[at:end]) * (at + 1 + end) / 2
        tie_term += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(one), len(other)
    above = rank_sum - n * (n + 1) / 2
    spread = (n * m / 12 * (n + m + 1 - tie_term / ((n + m) * (n + m - 1)))) ** 0.5
    return above / (n * m), 2 * (1 - statistics.NormalDist().cdf(abs(above - n * m / 2) / spread))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=2000)
    times = parser.parse_args().times
    wire, chance = Wire(), random.Random(7)
    people = invent_people(400, region="230102", seed=7, on=date(2023, 1, 1))
    for person in people:
        wire.items[person_key(KEYS.read, person.id_number, person.name)] = records_page(person)
    os.environ |= NOBODYS_ACCOUNT
    wiring_module._wiring = WiredToMemory(wire)
    taken: dict[str, list[Taken]] = {FOUND: [], WRONG_NAME: [], NOBODY: []}
    for _, name, number in questions(people, WARM_UP, chance):
        ask(wire, name, number)
    wire.calls.clear()
    for kind, name, number in questions(people, times, chance):
        one, records = ask(wire, name, number)
        assert records == (RECORDS_OF_ONE if kind == FOUND else 0)
        taken[kind].append(one)
    report(taken, wire.calls)
    return 0


def report(taken: dict[str, list[Taken]], calls: Counter[str]) -> None:
    times = len(taken[NOBODY])
    sys.stdout.write(f"public_api, the function's own time for one question, {times} of each kind, in ms\n")
    for kind, each in taken.items():
        records = RECORDS_OF_ONE if kind == FOUND else 0
        sys.stdout.write(f"  {kind:11} {records:2} records")
        for clock in ("wall", "processor"):
            cuts = statistics.quantiles([getattr(one, clock) for one in each], n=100)
            sys.stdout.write(f"  {clock} p50 {cuts[49]:6.2f} p99 {cuts[98]:6.2f}")
        sys.stdout.write("\n")
    asked = sum(len(each) for each in taken.values())
    words = ", ".join(f"{count / asked:.2f} {name}" for name, count in sorted(calls.items()))
    sys.stdout.write(f"  calls for one question: {words}\n")
    for clock in ("wall", "processor"):
        found, wrong, nobody = ([getattr(one, clock) for one in taken[kind]] for kind in (FOUND, WRONG_NAME, NOBODY))
        for words, one, other in (
            ("wrong name against nobody", wrong, nobody),
            ("nobody against itself, every other one", nobody[::2], nobody[1::2]),
            ("found against nobody, which the answer says anyway", found, nobody),
        ):
            longer, p = ranked(one, other)
            apart = (statistics.median(one) - statistics.median(other)) * 1000
            sys.stdout.write(f"  {clock:9} {words}: longer {longer:.3f}, medians {apart:+.0f} µs apart, p {p:.3f}\n")


if __name__ == "__main__":
    sys.exit(main())
