"""One's own records from event to answer: nothing about anybody else, nothing in a log, and not too often."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import query
from tests.public_service import Answered, PublicWiring, Service
from yikatong.attempts import LIMITS, Limits
from yikatong.errors import Refusal
from yikatong.records import NOT_ACTIVATED, Outcome, person_key, record_of
from yikatong.states import PaymentState

ID, NAME = "230102199001011230", "张三丰"
OTHER_ID = "230102198001011233"


def outcome(**changed: Any) -> Outcome:
    told: dict[str, Any] = {
        "role": "beneficiary",
        "code": "urban-minimum-living",
        "subsidy": "城市最低生活保障金",
        "plan_year": 2023,
        "region": "230102",
        "slot": "2023-06",
        "payment_id": "P" * 26,
        "attempt": 1,
        "amount_fen": 65_000,
        "state": PaymentState.SETTLED,
        "channel": "card",
        "account_tail": "1234",
        "seq": 1,
        "paid_on": "2023-06-12",
    }
    return Outcome(**told | changed)


def service_with(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome, limits: Limits = LIMITS) -> Service:
    made = PublicWiring(limits)
    made.records.put_all([record_of(person_key(made.record_secret, ID, NAME), each) for each in outcomes])
    return Service(monkeypatch, made)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    return service_with(monkeypatch, outcome())


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_person_finds_their_own_records_and_no_cache_keeps_them(service: Service) -> None:
    answer = service.query(NAME, ID)
    (record,) = answer.json["records"]
    assert (answer.status, answer.json["correlation_id"]) == (200, "request-1")
    assert (record["status"], record["amount_fen"]) == ("已发放到社保卡，尾号 1234", 65_000)
    assert record["card_advice"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_a_record_leads_to_the_policy_in_force_on_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_with(monkeypatch, outcome(code="temporary-relief", slot="2023#FLOOD"))
    (record,) = service.query(NAME, ID).json["records"]
    assert record["policy"] == "/v1/policies/temporary-relief/in-force?slot=2023%23FLOOD&region=230102"
    found = service.get("/v1/policies/temporary-relief/in-force", slot="2023#FLOOD", region="230102")
    assert found.status == 200


def test_money_on_a_card_that_is_not_activated_comes_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = service_with(monkeypatch, outcome(activated=False)).query(NAME, ID).json["records"]
    assert record["status"].endswith(NOT_ACTIVATED)
    assert "柜台激活" in record["card_advice"]


def test_the_totals_are_of_what_was_paid_in_each_year(monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_with(
        monkeypatch,
        outcome(),
        outcome(slot="2023-07", paid_on="2023-07-10", payment_id="Q" * 26),
        outcome(slot="2023-12", paid_on="2024-01-10", payment_id="R" * 26),
        outcome(slot="2023-08", paid_on="", state=PaymentState.RETURNED, failure="账户已注销", payment_id="S" * 26),
    )
    nothing_collected = {"collected_fen": 0, "collected_count": 0}
    assert service.query(NAME, ID).json["totals"] == [
        {"year": 2024, "amount_fen": 65_000, "count": 1} | nothing_collected,
        {"year": 2023, "amount_fen": 130_000, "count": 2} | nothing_collected,
    ]


def test_unknown_person_and_wrong_name_get_the_very_same_answer_by_the_same_work(service: Service) -> None:
    asked: list[str] = []
    of_person = service.made.records.of_person
    service.made.records.of_person = lambda pk: (asked.append(pk), of_person(pk))[1]  # type: ignore[method-assign]
    answers = [
        service.query(*person, address=f"192.0.2.{host}")
        for host, person in enumerate([("张三", ID), (NAME, OTHER_ID), ("x", "1"), ("二", "230102")])
    ]
    assert {answer.body for answer in answers} == {'{"records":[],"totals":[],"correlation_id":"request-1"}'}
    assert {(answer.status, tuple(answer.headers.items())) for answer in answers} == {
        (200, tuple(answers[0].headers.items()))
    }
    assert len(asked) == 4
    # The address, the number, and the person twice: four counters each.
    assert sum(service.made.attempts.counts.values()) == 16


@pytest.mark.parametrize(
    "body",
    [{"name": NAME}, {"name": NAME, "id_number": ID * 9}, {"name": NAME, "id_number": ID, ID: NAME}, f"{{{ID}", [ID]],
)
def test_a_malformed_query_is_refused_without_repeating_what_was_sent(service: Service, body: Any) -> None:
    answer = service.call("POST", "/v1/query", body)
    assert answer.status == 422
    for text in (answer.body, service.log.getvalue()):
        assert ID not in text
        assert NAME not in text
    assert answer.json["detail"]


def test_there_is_no_query_by_get(service: Service) -> None:
    answer = service.get("/v1/query", name=NAME, id_number=ID)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert NAME not in answer.body + service.log.getvalue()


def test_a_defect_is_a_500_and_logs_no_message(service: Service) -> None:
    def broken(pk: str) -> list[dict[str, Any]]:
        raise ValueError(f"{NAME} {ID} {pk}")

    service.made.records.of_person = broken  # type: ignore[method-assign]
    answer = service.query(NAME, ID)
    assert (answer.status, answer.problem) == (500, "broken")
    assert "ValueError" in service.log.getvalue()
    for text in (answer.body, service.log.getvalue()):
        assert ID not in text
        assert NAME not in text


# --- not too often ----------------------------------------------------------------------------------------------------


def answered(service: Service, name: str = NAME, number: str = ID, address: str = "192.0.2.10") -> Answered:
    """A query with the question of the hour answered right."""
    asked = service.get("/v1/challenge").json
    return service.query(name, number, address, challenge=asked["challenge"], answer=str(sum_of(asked["question"])))


def sum_of(question: str) -> int:
    """A person's part: 三加五等于几？"""
    digits = "零一二三四五六七八九"
    return digits.index(question[0]) + digits.index(question[2])


def test_after_the_free_attempts_at_a_person_a_question_is_asked_from_wherever_they_come(service: Service) -> None:
    for host in range(LIMITS.person.free):
        assert service.query(f"张{host}", ID, f"192.0.2.{host}").status == 200
    refused = service.query(NAME, ID, "192.0.2.99")
    assert (refused.status, refused.problem) == (422, "challenge_required")
    assert refused.headers["Cache-Control"] == "no-store"
    passed = answered(service, address="192.0.2.99")
    assert (passed.status, len(passed.json["records"])) == (200, 1)
    assert service.query(NAME, OTHER_ID, "192.0.2.99").status == 200


def test_the_right_name_is_counted_like_a_wrong_one(service: Service) -> None:
    """Else the counter itself would tell a guesser that a guess was right."""
    statuses = [service.query(NAME, ID).status for _ in range(LIMITS.person.free + 1)]
    assert statuses == [200] * LIMITS.person.free + [422]


def test_whoever_knows_a_name_a_county_and_a_birth_date_cannot_try_the_numbers_that_are_left(service: Service) -> None:
    tried = [service.query(NAME, f"{ID[:14]}{order:03d}0", f"198.51.100.{order}").status for order in range(25)]
    assert tried == [200] * 5 + [422] * 15 + [429] * 5


def test_beyond_the_limit_no_answer_helps_and_the_wait_is_named(service: Service) -> None:
    statuses = [answered(service, address=f"192.0.2.{host}").status for host in range(LIMITS.person.most + 1)]
    assert statuses == [200] * LIMITS.person.most + [429]
    refused = answered(service, address="192.0.2.200")
    assert (refused.status, refused.problem) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= LIMITS.person.window_s
    assert "再查" in refused.json["detail"]


def test_an_address_that_asks_for_many_people_is_asked_and_then_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    address = {"window_s": 3_600, "free": 3, "most": 6}
    service = service_with(monkeypatch, outcome(), limits=Limits.model_validate({"address": address}))
    people = [(f"张{index}", f"23010219{60 + index}01011230") for index in range(7)]
    assert [service.query(*person).status for person in people[:4]] == [200, 200, 200, 422]
    assert [answered(service, *person).status for person in people[4:]] == [200, 200, 429]
    assert service.query(*people[0], "192.0.2.11").status == 200


def test_the_address_is_the_connections_whatever_a_header_says(service: Service) -> None:
    body = {"name": NAME, "id_number": ID}
    for host in range(3):
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"203.0.113.{host}"}
        headers |= {"CloudFront-Viewer-Address": f"203.0.113.{host}:1", "X-Real-IP": f"203.0.113.{host}"}
        service.call("POST", "/v1/query", body, headers=headers)
    assert sorted(service.made.attempts.counts.values()) == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("one", "other", "counters"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", 4),
        ("2001:db8::1", "2001:db8:0:1::1", 5),
        ("192.0.2.1", "::ffff:192.0.2.1", 4),
        ("192.0.2.1", "192.0.2.2", 5),
    ],
)
def test_an_ipv6_network_is_one_visitor(service: Service, one: str, other: str, counters: int) -> None:
    for address in (one, other):
        service.query(NAME, ID, address)
    assert len(service.made.attempts.counts) == counters


def test_a_question_may_be_answered_once_and_a_wrong_answer_uses_it_up(service: Service) -> None:
    for _ in range(LIMITS.person.free):
        service.query(NAME, ID)
    asked = service.get("/v1/challenge").json
    right = str(sum_of(asked["question"]))
    for tried, status in (("0", 422), (right, 422)):
        assert service.query(NAME, ID, challenge=asked["challenge"], answer=tried).status == status
    asked = service.get("/v1/challenge").json
    right = str(sum_of(asked["question"]))
    assert service.query(NAME, ID, challenge=asked["challenge"], answer=right).status == 200
    assert service.query(NAME, ID, challenge=asked["challenge"], answer=right).status == 422


def test_a_question_is_nobodys_cache(service: Service) -> None:
    assert service.get("/v1/challenge").headers["Cache-Control"] == "no-store"


def test_a_stack_without_questions_says_so_and_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_with(monkeypatch, outcome())
    service.made.challenge = None
    assert (service.get("/v1/challenge").status, service.get("/v1/challenge").problem) == (404, "not_found")
    statuses = [service.query(NAME, ID).status for _ in range(LIMITS.person.most + 1)]
    assert statuses == [200] * LIMITS.person.most + [429]


def test_what_is_counted_names_nobody(service: Service) -> None:
    service.query(NAME, ID)
    stored = json.dumps(list(service.made.attempts.counts))
    assert ID not in stored
    assert "192.0.2.10" not in stored
    # Nor is a counter named like the records of the same person.
    assert not {key[0] for key in service.made.records.items} & set(service.made.attempts.counts)
    assert all(expires > 0 for expires in service.made.attempts.expires.values())


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def asking(service: Service, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    def call_public(_endpoint: str, method: str, path: str, body: Any = None) -> Any:
        answer = service.call(method, path, body)
        if answer.status != 200:
            raise Refusal(answer.json["detail"], answer.problem)
        return answer.json

    monkeypatch.setattr(query, "call_public", call_public)
    command = typer.Typer()
    command.command()(query.query)
    return command


def test_the_query_command_shows_the_records_and_never_the_id(asking: typer.Typer) -> None:
    shown = CliRunner().invoke(asking, ["--name", NAME], input=f"{ID}\n").output
    assert "已发放到社保卡，尾号 1234" in shown
    assert "2023年本人共到账 650.00 元（1笔）" in shown
    assert ID not in shown
    nobody = CliRunner().invoke(asking, ["--name", "张三", "--id", ID])
    assert (nobody.exit_code, nobody.output) == (0, "没有查到发放记录，请核对姓名和身份证号。\n")


def test_the_query_command_asks_the_question_when_it_is_due(asking: typer.Typer, service: Service) -> None:
    for _ in range(LIMITS.person.free):
        service.query(NAME, ID)
    outcome = CliRunner().invoke(asking, ["--name", NAME, "--id", ID], input="0\n0\n0\n")
    assert isinstance(outcome.exception, Refusal)
    assert outcome.output.count("等于几？") == 3
