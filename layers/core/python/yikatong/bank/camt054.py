"""Money that came back after it had been paid (退票), camt.054.001.08.

Source: ISO 20022 camt.054.001.08 as shipped in the `camt053` package. A return is a booked credit to the treasury's
account with return information (`RtrInf`) and the end-to-end id of what is returned. Other entries of the same
notification are none of our payments' business; they are counted, so that nobody can lose one unseen.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

import polars as pl

from yikatong.bank.codes import recognise
from yikatong.bank.reading import (
    MAX_LINES,
    codes_at,
    date_at,
    fen_at,
    identifier_at,
    read_document,
    refuse,
    shown,
    text_at,
)

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"

LINES: Final = pl.Schema(
    {
        "end_to_end_id": pl.String,
        "amount_fen": pl.Int64,
        "reason": pl.String,
        "raw_code": pl.String,
        "returned_on": pl.Date,
        "message_id": pl.String,
    }
)

_Row = tuple[str, int, str, str | None, date, str | None]


@dataclass(frozen=True, slots=True)
class Returns:
    """The returns of one notification.

    `lines`: columns as `LINES`, sorted by end_to_end_id, each id once; `amount_fen` > 0; `reason` a code of
    `codes.REASONS`; `message_id` of our original message where the bank repeats it, else null. `other_entries` counts
    the entries that are no returns.
    """

    notification_id: str
    lines: pl.DataFrame
    other_entries: int


def parse_returns(data: bytes) -> Returns:
    """Read one camt.054. Pure: the same bytes give the same returns.

    Raises `Refusal` (code `bank_message_refused`) for unsafe or malformed XML, another message, a return without
    end-to-end id, amount or date, a reversed return, amounts that do not add up to their entry, or lines that
    contradict each other.
    """
    document = read_document(data, frozenset({NAMESPACE}))
    message = document.find("BkToCstmrDbtCdtNtfctn")
    if message is None:
        raise refuse("缺少 BkToCstmrDbtCdtNtfctn")
    rows: dict[str, _Row] = {}
    other_entries = 0
    for entry in message.iterfind("Ntfctn/Ntry"):
        found = _entry(entry)
        other_entries += not found
        for row in found:
            if rows.setdefault(row[0], row) != row:
                raise refuse(f"同一笔 {shown(row[0])} 有两条互相矛盾的退票")
            if len(rows) > MAX_LINES:
                raise refuse(f"明细超过 {MAX_LINES} 行")
    return Returns(
        notification_id=identifier_at(message, "GrpHdr/MsgId"),
        lines=pl.DataFrame(list(rows.values()), schema=LINES, orient="row").sort("end_to_end_id"),
        other_entries=other_entries,
    )


def _entry(entry: Element) -> list[_Row]:
    details = entry.findall("NtryDtls/TxDtls")
    returned = [detail for detail in details if detail.find("RtrInf") is not None]
    if not returned or text_at(entry, "CdtDbtInd") != "CRDT" or text_at(entry, "Sts/Cd") != "BOOK":
        return []
    if len(returned) != len(details):
        raise refuse("同一分录中退票与其他款项混在一起")
    if text_at(entry, "RvslInd") in ("true", "1"):
        raise refuse("含有被冲正的退票，请人工核对")
    returned_on = date_at(entry, "BookgDt/Dt") or date_at(entry, "BookgDt/DtTm") or date_at(entry, "ValDt/Dt")
    if returned_on is None:
        raise refuse("退票分录缺少记账日期")
    entry_fen = fen_at(entry, "Amt")
    only = len(returned) == 1
    rows = [_line(detail, returned_on, entry_fen if only else None) for detail in returned]
    if sum(row[1] for row in rows) != entry_fen:
        raise refuse("退票明细合计与分录金额不符")
    return rows


def _line(detail: Element, returned_on: date, entry_fen: int | None) -> _Row:
    end_to_end_id = identifier_at(detail, "Refs/EndToEndId")
    stated_fen = fen_at(detail, "Amt")
    amount_fen = entry_fen if stated_fen is None else stated_fen
    if not amount_fen:
        raise refuse(f"退票 {shown(end_to_end_id)} 缺少金额或金额为零")
    iso, raw = codes_at(detail, "RtrInf")
    message_id = identifier_at(detail, "Refs/MsgId") if text_at(detail, "Refs/MsgId") else None
    return end_to_end_id, amount_fen, recognise(iso, raw).code, raw or iso, returned_on, message_id
