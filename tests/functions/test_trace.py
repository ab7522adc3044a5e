"""A clerk's question from the command line through the API to the function and back; nothing personal stays behind."""

import io
import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import cli.trace
from cli.main import _add_commands, app
from functions.bureau_api.handler import handler as bureau_api
from functions.trace_payment import handler as function
from tests.functions.test_bureau_api import event
from tests.unit.payout.house import House
from tests.unit.payout.rosters import BOOK, PAYDAY, RECORD_SECRET, SETTINGS, end_to_end, people, roster
from yikatong.aws.bureau_api.common import logger
from yikatong.errors import Refusal
from yikatong.principals import Principal, Role, principal_key

TWO = people(2)
ASKING = TWO[0]
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)


class Invoking:
    """The Lambda service, with the one function behind it; `asked` is what went over the wire."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # boto3's names
        assert FunctionName == "trace-payment"
        self.asked.append(Payload)
        if self.broken:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "KeyError"}')}
        answer = function.handler(json.loads(Payload), CONTEXT)  # type: ignore[arg-type]
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class Wired:
    def __init__(self, house: House) -> None:
        self.control, self.lake, self.records, self.audit = house.control, house.lake, house.records, house.audit
        self.book, self.settings, self.record_secret = BOOK, SETTINGS, RECORD_SECRET
        self.environment = {"TRACE_PAYMENT": "trace-payment"}
        self.invoking = Invoking()
        self.today = house.now

    def now(self) -> datetime:
        return self.today

    def client(self, service: str) -> Invoking:
        assert service == "lambda"
        return self.invoking


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Wired:
    """A deployment in which both were paid, and a clerk, an operator and a clerk of elsewhere."""
    house = House()
    house.cards(TWO)
    house.approved(roster(TWO))
    house.on(PAYDAY)
    house.pay()
    for name, role, region in (
        ("clerk", "clerk", "230100"),
        ("operator", "operator", "230000"),
        ("far", "clerk", "230200"),
    ):
        pk, sk = principal_key(name)
        house.control.save(Principal(pk=pk, sk=sk, name=name, role=Role(role), region=region))
    made = Wired(house)
    monkeypatch.setattr("yikatong.aws.wiring._wiring", made)
    return made


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the API and the function write to their logs."""
    written = io.StringIO()
    for each in (logger, function.logger):
        monkeypatch.setattr(each.registered_handler, "stream", written)
    return written


def call(who: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = bureau_api(event(who, "POST", "/v1/trace", body, {}), CONTEXT)  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


def person() -> dict[str, Any]:
    return {"id_number": ASKING.id_number, "name": ASKING.name}


@pytest.mark.usefixtures("wired")
def test_the_story_comes_back_and_neither_log_names_anybody(logs: io.StringIO) -> None:
    status, answer = call("clerk", person())
    assert status == 200
    (story,) = answer["stories"]
    assert story["lines"][-1]["step"] == "公开"
    text = logs.getvalue()
    assert '"stories":1' in text
    for private in (ASKING.id_number, ASKING.name, ASKING.account):
        assert private not in text
        assert json.dumps(private)[1:-1] not in text


@pytest.mark.usefixtures("wired")
@pytest.mark.parametrize(
    ("who", "more", "status", "detail"),
    [
        ("operator", {}, 403, "角色是运行"),
        ("far", {"region": "230102"}, 403, "管辖地区"),
        ("stranger", {}, 403, "未在平台登记"),
        ("clerk", {"plan_year": 2023, "number": 99}, 404, "没有第99项"),
        ("clerk", {"payment_id": "A" * 26}, 422, "二者取一"),
        ("clerk", {"number": 2}, 422, "序号要与计划年度一起给出"),
    ],
)
def test_a_refusal_is_a_problem_and_repeats_nothing_of_the_question(
    who: str, more: dict[str, Any], status: int, detail: str, logs: io.StringIO
) -> None:
    got, problem = call(who, person() | more)
    assert got == status
    assert detail in problem["detail"]
    for told in (json.dumps(problem, ensure_ascii=False), logs.getvalue()):
        assert ASKING.id_number not in told
        assert ASKING.name not in told


def test_a_function_that_failed_is_a_fault_and_not_an_empty_answer(wired: Wired) -> None:
    wired.invoking.broken = True
    assert call("clerk", person())[0] == 500


def test_an_address_holds_nobodys_number(wired: Wired) -> None:
    answer = bureau_api(event("clerk", "GET", "/v1/trace", None, {"id_number": "1"}), CONTEXT)  # type: ignore[arg-type]
    assert answer["statusCode"] == 405
    assert wired.invoking.asked == []


@pytest.fixture
def runner(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> CliRunner:  # noqa: ARG001 - the wiring is in place
    def in_place(_endpoint: str, name: str, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert (method, path) == ("POST", "/v1/trace")
        status, answer = call(name, body)
        if status >= 400:
            raise Refusal(answer["detail"])
        return answer

    monkeypatch.setattr(cli.trace, "call_bureau", in_place)
    if not any(command.name == "trace" for command in app.registered_commands):
        _add_commands()
    return CliRunner()


def test_the_command_prints_one_screen_with_what_to_do_now(runner: CliRunner) -> None:
    printed = runner.invoke(
        app, ["trace", "--name", ASKING.name, "--as", "clerk"], input=f"{ASKING.id_number}\n"
    ).output
    assert "现在：已发放，请查询尾号" in printed
    assert printed.splitlines()[1].startswith("  现在："), "before the steps that led there"
    assert "↳" not in printed
    with_evidence = ["trace", "--evidence", "--name", ASKING.name, "--id", ASKING.id_number, "--as", "clerk"]
    assert "↳ receipts/" in runner.invoke(app, with_evidence).output
    assert "查了 哈尔滨市（230100）自 2023-06-01 起的 1 份正式名册：城市最低生活保障金" in printed
    assert len(printed.splitlines()) < 50
    assert ASKING.id_number not in printed
    by_id = runner.invoke(app, ["trace", "--payment", end_to_end(ASKING), "--as", "clerk"]).output
    assert "现在：已发放，请查询尾号" in by_id


def test_the_command_says_what_it_searched_when_it_found_nobody(runner: CliRunner) -> None:
    asked = ["trace", "--name", "某人", "--id", "230102199001011230", "--as", "clerk"]
    printed = runner.invoke(app, asked).output
    assert "没有找到。" in printed
    assert "不是一个正确的身份证号" not in printed
    assert "不是一个正确的身份证号" in runner.invoke(app, [*asked[:4], "123", "--as", "clerk"]).output
    assert "1 份正式名册" in printed
    assert "没有可查的正式名册" in runner.invoke(app, [*asked[:-1], "far"]).output


def test_the_command_wants_one_payment_or_one_person(runner: CliRunner) -> None:
    for wrong in (["trace"], ["trace", "--payment", "A", "--name", "某人"]):
        assert "二者取一" in str(runner.invoke(app, wrong).exception)
