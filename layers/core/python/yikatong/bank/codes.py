"""Why a bank does not pay: our closed list of reasons (失败原因), and the words for the payee.

A reason is recognised by its ISO 20022 external code, or by the four-digit code of the Chinese clearing table that
banks write beside it (FACTS, "The field"). The raw code is always kept beside ours: our list is coarser than a bank's.

Two reasons are *not final*. A timeout (3028, 3059) and a "duplicate" (3051, AM05) say nothing about whether the money
moved: the duplicate answers the second copy while the first may have been paid. Such a line is in doubt, whatever
status the bank writes next to it, and may never be reissued on that word alone (PROTOCOL B3).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason a payment was not made, or came back.

    `iso` lists the ISO codes read as this reason, `raw` the Chinese clearing codes. `final` is False where the money
    may have moved all the same. `payee_text` is what the payee is told, in Chinese.
    """

    code: str
    title: str
    iso: tuple[str, ...]
    raw: tuple[str, ...]
    payee_text: str
    final: bool = True


REASONS: Final[tuple[Reason, ...]] = (
    Reason(
        "name_mismatch",
        "户名不符",
        ("BE01",),
        ("3031", "3065"),
        "姓名与银行登记的户名不一致，请持身份证和社会保障卡到服务银行核对",
    ),
    Reason(
        "no_account",
        "无此账户或账号错误",
        ("AC01", "AC03"),
        ("3009", "3030"),
        "银行查无此账户，请持社会保障卡到服务银行核对账号",
    ),
    Reason("account_closed", "账户已注销", ("AC04", "AC07"), ("3018", "3039"), "账户已注销，请到服务银行办理"),
    Reason(
        "account_frozen", "账户冻结或状态异常", ("AC06",), ("3017", "3057"), "账户已冻结或状态异常，请到服务银行办理"
    ),
    Reason(
        "wrong_account_type",
        "非活期结算账户",
        ("AG01",),
        ("3034", "3068"),
        "账户不是活期结算账户，不能入账，请到服务银行办理",
    ),
    Reason("account_dormant", "账户长期不动", (), ("3069",), "账户长期未使用已转入不动户，请到服务银行激活"),
    Reason("card_lost", "卡已挂失", (), ("3006",), "社会保障卡已挂失，请到服务银行解挂或补卡"),
    Reason("sent_back", "退票", (), ("3056",), "服务银行没有收下这笔钱，请到服务银行查询"),
    Reason("no_funds", "付款账户余额不足", ("AM04",), (), "发放账户资金不足，资金到位后将重新发放，无需您办理"),
    Reason(
        "bad_message", "报文有误", ("FF01", "AM10", "AM18"), (), "银行没有受理本批发放，更正后将重新发放，无需您办理"
    ),
    Reason(
        "duplicate",
        "银行称重复",
        ("AM05", "DU01", "DU02", "DU03", "DU04"),
        ("3051",),
        "银行正在核实，请等待",
        final=False,
    ),
    Reason("timeout", "处理超时", ("AB05", "AB06"), ("3028", "3059"), "银行正在核实，请等待", final=False),
    Reason("other", "其他原因", ("MS02", "MS03", "NARR"), (), "没有入账，请到服务银行查询"),
)

OTHER: Final = REASONS[-1]
_BY_CODE: Final = {reason.code: reason for reason in REASONS}
_BY_ISO: Final = {iso: reason for reason in REASONS for iso in reason.iso}
_BY_RAW: Final = {raw: reason for reason in REASONS for raw in reason.raw}


def reason(code: str) -> Reason:
    """The reason of that `code` of ours.

    >>> reason("account_closed").payee_text
    '账户已注销，请到服务银行办理'

    Raises KeyError for a code that is not in the list: it is closed.
    """
    return _BY_CODE[code]


def recognise(iso: str | None, raw: str | None) -> Reason:
    """What a bank meant by an ISO code, a Chinese clearing code, or both.

    The clearing code is the finer of the two and wins; but if either of them leaves the money's whereabouts open, so do
    we. A code nobody knows is `other`: the bank's status is believed, its reason is shown as it came.

    >>> recognise("AC06", "3006").code, recognise("AC04", "3028").code, recognise(None, "9999").code
    ('card_lost', 'timeout', 'other')
    """
    candidates = [found for found in (_BY_RAW.get(raw or ""), _BY_ISO.get(iso or "")) if found is not None]
    for candidate in candidates:
        if not candidate.final:
            return candidate
    return candidates[0] if candidates else OTHER
