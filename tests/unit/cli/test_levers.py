"""The levers' commands: what they ask of the API, and what they tell."""

from typing import Any

import pytest
from typer.testing import CliRunner

from cli import payment, work
from yikatong.errors import Refusal

BATCH = "urban-minimum-living.formal.230102.0123456789abcdef"
PAYMENT = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-1"
RULE = ["rule", BATCH, PAYMENT, "--reason", "对账单", "--ruled"]
RECOVER = [
    "recover",
    BATCH,
    PAYMENT,
    "--yuan",
    "1,650.50",
    "--on",
    "2023-06-20",
    "--reference",
    "V1",
    "--reason",
    "重复",
]


class Bureau:
    """The bureau API: takes down what it is asked, and gives one answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answer: dict[str, Any] = {}

    def __call__(self, _endpoint: str, _name: str, method: str, path: str, body: Any = None, **_: Any) -> Any:
        self.asked.append((method, path, body))
        return self.answer


@pytest.fixture
def bureau(monkeypatch: pytest.MonkeyPatch) -> Bureau:
    asked = Bureau()
    monkeypatch.setattr("cli.api.call_bureau", asked)
    return asked


def test_a_ruling_names_the_payment_and_which_word_is_true(bureau: Bureau) -> None:
    bureau.answer = {"settlement_seq": 2}
    told = CliRunner().invoke(payment.app, [*RULE, "rejected"])
    assert "已裁定为没有入账" in told.output
    ruling = {"ruled": "rejected", "reason": "对账单", "settlement_seq": 2}
    assert bureau.asked == [
        ("GET", f"/v1/batches/{BATCH}", None),
        ("POST", f"/v1/batches/{BATCH}/payments/{PAYMENT}/ruling", ruling),
    ]


def test_a_ruling_of_any_other_word_is_not_sent(bureau: Bureau) -> None:
    told = CliRunner().invoke(payment.app, [*RULE, "paid"])
    assert isinstance(told.exception, Refusal)
    assert bureau.asked == []


def test_a_recovery_is_given_in_yuan_and_sent_in_fen(bureau: Bureau) -> None:
    bureau.answer = {"recovered": {"count": 2, "fen": 200_000}}
    told = CliRunner().invoke(payment.app, RECOVER)
    assert "本批次共追回 2 次，2,000.00 元" in told.output
    body = {"amount_fen": 165_050, "on": "2023-06-20", "reference": "V1", "reason": "重复"}
    assert bureau.asked == [("POST", f"/v1/batches/{BATCH}/payments/{PAYMENT}/recoveries", body)]


def test_work_is_listed_whole_or_said_to_be_none(bureau: Bureau, capsys: pytest.CaptureFixture[str]) -> None:
    bureau.answer = {"work": []}
    work.work()
    assert capsys.readouterr().out == "没有待办。\n"
    item = {"kind": "frozen", "words": "银行答复前后矛盾，待裁定", "about": BATCH, "detail": "2 笔", "region": "230102"}
    bureau.answer = {"work": [item]}
    work.work()
    told = capsys.readouterr().out
    assert all(words in told for words in ("待办（1项）", "待裁定", BATCH, "230102", "2 笔"))
