"""Writing what this bank answers: pain.002.001.12 receipts and camt.054.001.08 returns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_CHINESE = {
    "BE01": ("3031", "户名不符"),
    "AC01": ("3009", "账号不存在"),
    "AC04": ("3018", "账户已销户"),
    "AC06": ("3017", "账户已冻结"),
    "AG01": ("3034", "非活期结算户"),
    "AM05": ("3051", "重复交易"),
    "AB05": ("3028", "处理超时"),
}


@dataclass(frozen=True)
class Answer:
    """One line of an answer. `status` is an ISO word; `code` an ISO reason or a clearing code, else empty."""

    end_to_end_id: str
    amount_fen: int
    status: str
    code: str
    on: str


def receipt(answer_id: str, today: str, message_id: str, lines: Sequence[Answer]) -> bytes:
    """A pain.002 about these lines of one message; the group status summarises them."""
    statuses = {line.status for line in lines}
    group = statuses.pop() if len(statuses) == 1 else "PART"
    # RJCT for a whole group would also speak for lines this receipt does not list.
    group = "PART" if group in ("RJCT", "ACSC") else group
    body = "\n".join(_receipt_line(line) for line in lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"><CstmrPmtStsRpt>\n'
        f"<GrpHdr><MsgId>{answer_id}</MsgId><CreDtTm>{today}T12:00:00+08:00</CreDtTm></GrpHdr>\n"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        f"<GrpSts>{group}</GrpSts></OrgnlGrpInfAndSts>\n"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}</OrgnlPmtInfId>\n{body}\n</OrgnlPmtInfAndSts>\n"
        "</CstmrPmtStsRpt></Document>\n"
    ).encode()


def returns(answer_id: str, today: str, debtor_account: str, message_id: str, lines: Iterable[Answer]) -> bytes:
    """A camt.054 for money of one message that came back: one booked credit entry a line."""
    body = "\n".join(_return_entry(message_id, line) for line in lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>\n'
        f"<GrpHdr><MsgId>{answer_id}</MsgId><CreDtTm>{today}T12:00:00+08:00</CreDtTm></GrpHdr>\n"
        f"<Ntfctn><Id>{answer_id}</Id><Acct><Id><Othr><Id>{escape(debtor_account)}</Id></Othr></Id></Acct>\n"
        f"{body}\n</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>\n"
    ).encode()


def _receipt_line(line: Answer) -> str:
    amount = f'<Amt><InstdAmt Ccy="CNY">{_yuan(line.amount_fen)}</InstdAmt></Amt>'
    settled = f"<IntrBkSttlmDt>{line.on}</IntrBkSttlmDt>" if line.status == "ACSC" else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{escape(line.end_to_end_id)}</OrgnlEndToEndId><TxSts>{line.status}</TxSts>"
        f"{_reason('StsRsnInf', line.code)}"
        f"<OrgnlTxRef>{amount}{settled}</OrgnlTxRef></TxInfAndSts>"
    )


def _return_entry(message_id: str, line: Answer) -> str:
    amount = f'<Amt Ccy="CNY">{_yuan(line.amount_fen)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    return (
        f"<Ntry>{amount}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.on}</Dt></BookgDt>"
        "<BkTxCd><Prtry><Cd>RETURN</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><MsgId>{message_id}</MsgId><EndToEndId>{escape(line.end_to_end_id)}</EndToEndId></Refs>{amount}"
        f"{_reason('RtrInf', line.code)}</TxDtls></NtryDtls></Ntry>"
    )


def _reason(element: str, code: str) -> str:
    if not code:
        return ""
    if code.isdigit():
        return f"<{element}><Rsn><Prtry>{code}</Prtry></Rsn></{element}>"
    raw, words = _CHINESE.get(code, ("", ""))
    note = f"<AddtlInf>{raw} {words}</AddtlInf>" if raw else ""
    return f"<{element}><Rsn><Cd>{code}</Cd></Rsn>{note}</{element}>"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
