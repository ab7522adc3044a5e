"""Whoever reads every log of the way a payment takes to its payee, and of thousands of questions, meets nobody there."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions.publish_records import handler as publishing
from functions.receive_receipt import handler as receiving
from functions.rekey_records import handler as rekeying
from tests.attack.village import DAOLI, KEY, Known, Village, addresses, personal, villagers
from tests.public_service import publish_everything
from tests.unit.payout.house import House
from tests.unit.payout.outside import SimulatedBank
from tests.unit.payout.rosters import AGENT, BOOK, PAYDAY, people, roster
from yikatong.aws.public_api.common import logger as public_logger
from yikatong.records import RecordKeys
from yikatong.rekeying import EVERYBODY_KNOWS_S
from yikatong.use_cases.publish_records import Reach

CONTEXT: Any = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=1,
    invoked_function_arn="arn:aws-cn:lambda:::f",
    aws_request_id="r",
    get_remaining_time_in_millis=lambda: 900_000,
)
PAID = people(8)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that Lambda would keep: our loggers, other libraries' from INFO on, and what is printed."""
    written = io.StringIO()
    for module in (publishing, receiving, rekeying):
        monkeypatch.setattr(module.logger.registered_handler, "stream", written)
    monkeypatch.setattr(public_logger.registered_handler, "stream", written)
    monkeypatch.setattr("sys.stdout", written)
    monkeypatch.setattr("sys.stderr", written)
    everybody = logging.StreamHandler(written)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(everybody)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(everybody)
    root.setLevel(level)


def names_nobody(text: str, *more: str) -> None:
    for person in (*villagers(), *PAID):
        assert not [word for word in personal(person) if word in text]
    for word in more:
        assert word not in text


def test_thousands_of_questions_leave_no_name_number_amount_or_address(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    village, source = Village(monkeypatch), addresses()
    monkeypatch.setattr(public_logger.registered_handler, "stream", log)
    publish_everything(village.made.site)
    used = []
    for person in villagers():
        wrong = next(Known(person).wrong_numbers())
        for number in (person.id_number, wrong, person.id_number[:17], f"{person.id_number}{person.name}"):
            used.append(next(source))
            village.query(person.name, number, used[-1])
        village.call("POST", "/v1/query", f'{{"name": "{person.name}", "id_number": {person.id_number}')
        village.call("POST", "/v1/query", {"name": person.name, "id_number": [person.id_number], person.name: 1})
        village.get(f"/v1/query/{person.id_number}", name=person.name)
        village.get("/v1/plan", year=person.id_number)
        village.get("/v1/policies", region=person.name)

    def broken(pk: str) -> list[dict[str, Any]]:
        raise RuntimeError(f"{villagers()[0].name} {villagers()[0].id_number} {pk}")

    village.made.records.of_person = broken  # type: ignore[method-assign]
    assert village.query(villagers()[0].name, villagers()[0].id_number, next(source)).status == 500
    text = log.getvalue()
    assert text.count("refused") > 100
    assert "RuntimeError" in text
    keys = {str(record["pk"]) for record in village.made.records.items.values()}
    names_nobody(text, *keys, *village.made.attempts.counts, *used[:50], KEY.decode())


class PayoutWiring:
    """What the functions on a record's way may touch: the house's own."""

    def __init__(self, house: House, keys: RecordKeys) -> None:
        self.house, self.keys = house, keys
        self.control, self.lake, self.records, self.orders = house.control, house.lake, house.records, house.orders
        self.workflow, self.book = house.executions, BOOK
        self.file = b""

    def reach(self, *_: object) -> Reach:
        return Reach(**vars(self.house.reach) | {"record_keys": self.keys})

    def fresh_record_keys(self) -> RecordKeys:
        return self.keys

    def now(self) -> Any:
        return self.house.now


def test_publishing_and_rekeying_log_counts_and_nobody(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    house = House()
    house.cards(PAID)
    house.set_funds(10_000_000)
    batch_id = house.approved(roster(PAID), region=DAOLI)
    house.on(PAYDAY)
    house.bank.script(accounts={PAID[1].account: {"outcome": "reject", "code": "AC04"}})
    house.pay()
    house.bank = SimulatedBank(house.now.date())
    made = PayoutWiring(house, RecordKeys(KEY))
    for module in (publishing, rekeying):
        monkeypatch.setattr(module, "wiring", lambda: made)
    monkeypatch.setattr(publishing, "reach_of", made.reach)
    assert publishing.handler({"batch_id": batch_id}, CONTEXT) == {"records": 8}
    made.keys = RecordKeys(KEY, b"the key that follows")
    for _ in range(2):
        assert rekeying.handler(_ordered("rekey"), CONTEXT) == {"batchItemFailures": []}
        house.now += timedelta(seconds=EVERYBODY_KNOWS_S)
    assert len({record["key_mark"] for record in house.records.items.values()}) >= 2
    made.lake.objects.clear()
    with pytest.raises(Exception, match=r".+") as fault:
        publishing.handler({"batch_id": batch_id}, CONTEXT)
    text = log.getvalue() + str(fault.value)
    assert '"records":8' in text.replace(" ", "")
    keys = {str(record["pk"]) for record in house.records.items.values()}
    names_nobody(text, *keys, KEY.decode(), "the key that follows")
    assert AGENT.bank_id not in text


def _ordered(step: str) -> dict[str, Any]:
    detail = {"detail": {"step": step, "by": "the-operator", "reason": "每年一换"}}
    return {"Records": [{"messageId": "m", "body": json.dumps(detail), "eventSource": "aws:sqs"}]}
