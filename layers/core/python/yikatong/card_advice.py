"""What a person should do about a payment, in words a villager understands: at which counter, with what, and what then.

The status says what happened; this says what to go and do. Where there is nothing to do, nothing is said.
"""

from yikatong.bank.codes import REASONS
from yikatong.records import NOT_ACTIVATED
from yikatong.states import PaymentState

_THEN = "办好后告诉村（居）委会或乡镇（街道）经办人，核对后重新发放。"
ACTIVATE = (
    "带上身份证和社会保障卡，到卡上印的银行柜台激活金融账户，当场就能取钱。"
    "本人去不了的，可以问银行能否由家人代办或上门办理。"
)
WAIT = "银行正在核实这笔钱，请先等一等，不用去办什么；过几天再来查。"
# By the bank's reason (yikatong.bank.codes); of those that are not here the payee has nothing to do.
_BY_REASON = {
    "name_mismatch": f"带上身份证和社会保障卡，到卡上印的银行柜台核对户名。{_THEN}",
    "no_account": f"带上社会保障卡，到卡上印的银行柜台核对账号。{_THEN}",
    "account_closed": f"带上身份证，到服务银行重新开立或补办社会保障卡的金融账户。{_THEN}",
    "account_frozen": f"带上身份证和社会保障卡，到卡上印的银行柜台问清冻结原因并解除。{_THEN}",
    "wrong_account_type": f"带上身份证，到服务银行换成能收款的账户，最好用社会保障卡收补贴。{_THEN}",
    "account_dormant": f"带上身份证和社会保障卡，到卡上印的银行柜台激活长期不用的账户。{_THEN}",
    "card_lost": f"找到卡的，带上身份证到银行解挂；找不到的，到银行补办社会保障卡。{_THEN}",
    "sent_back": f"带上身份证和社会保障卡，到卡上印的银行柜台问清原因。{_THEN}",
    "other": f"带上身份证和社会保障卡，到卡上印的银行柜台问清原因。{_THEN}",
}


def card_advice(state: str, status: str) -> str | None:
    """What to do about a record with this state and these status words; None where there is nothing."""
    if state == PaymentState.FROZEN:
        return WAIT
    if state == PaymentState.SETTLED:
        return ACTIVATE if status.endswith(NOT_ACTIVATED) else None
    if state in (PaymentState.REJECTED, PaymentState.RETURNED):
        code = next((reason.code for reason in REASONS if status.endswith(reason.payee_text)), "other")
        return _BY_REASON.get(code)
    return None
