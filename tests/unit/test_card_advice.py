"""What to do about a payment: said where there is something to do, and nowhere else."""

import pytest

from tests.functions.test_public_query import outcome
from yikatong.bank.codes import REASONS
from yikatong.card_advice import ACTIVATE, WAIT, card_advice
from yikatong.records import FOLLOWED, status_words
from yikatong.states import PaymentState


def advice(**changed: object) -> str | None:
    told = outcome(**changed)
    return card_advice(told.state.value, status_words(told))


def test_money_that_can_be_drawn_asks_for_nothing() -> None:
    assert advice() is None
    assert advice(channel="account", activated=False) is None


def test_a_card_that_is_not_activated_is_to_be_activated() -> None:
    assert advice(activated=False) == ACTIVATE


@pytest.mark.parametrize("state", [PaymentState.REJECTED, PaymentState.RETURNED])
@pytest.mark.parametrize("reason", [each for each in REASONS if each.final], ids=lambda each: each.code)
def test_each_reason_of_a_bank_has_its_own_cure_or_none_where_the_payee_can_do_nothing(
    state: PaymentState, reason: object
) -> None:
    said = advice(state=state, failure=reason.payee_text, paid_on="")  # type: ignore[attr-defined]
    if "无需您办理" in reason.payee_text:  # type: ignore[attr-defined]
        assert said is None
    else:
        assert said is not None
        assert said.endswith("核对后重新发放。")


def test_a_return_without_a_reason_sends_people_to_the_bank() -> None:
    assert "柜台" in str(advice(state=PaymentState.RETURNED, failure="", paid_on=""))


def test_while_the_bank_contradicts_itself_there_is_only_waiting() -> None:
    assert advice(state=PaymentState.FROZEN) == WAIT


def test_an_attempt_that_was_followed_asks_for_nothing() -> None:
    assert card_advice(PaymentState.REISSUED.value, FOLLOWED) is None
