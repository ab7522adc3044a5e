"""The auditor's own reading of what the bank was told (pain.001) and what it answered (pain.002, camt.054).

Sources: ISO 20022 pain.001.001.09, pain.002.001.12, camt.054.001.08. Nothing is believed that is unclear: a file that
cannot be read whole raises `Unreadable`. ACSC and ACCC are money credited; RJCT is money not credited, unless the
reason leaves it open (a timeout, a duplicate); every other status is not an answer yet.
"""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

SETTLED, REJECTED, RETURNED = "settled", "rejected", "returned"

_CREDITED = {"ACSC", "ACCC"}
_OPEN_REASONS = {"AM05", "DU01", "DU02", "DU03", "DU04", "3051", "AB05", "AB06", "3028", "3059"}
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2})0*)?")
_DECLARED = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_RAW_CODE = re.compile(r"\s*([0-9]{4})(?![0-9])")


class Unreadable(Exception):
    """Not a message that can be read whole; the message says why, without anything of its content."""


@dataclass(frozen=True)
class Order:
    """One line of an instruction."""

    end_to_end_id: str
    amount_fen: int
    account: str
    name: str


@dataclass(frozen=True)
class Instruction:
    """A pain.001: its lines, and the counts and sums it writes about itself (group and payment block)."""

    message_id: str
    trial: bool
    counts: tuple[int, ...]
    sums_fen: tuple[int, ...]
    orders: tuple[Order, ...]


@dataclass(frozen=True)
class Statement:
    """What one answer says of one payment; `message_id` empty where a return names none, amount None where none is repeated."""

    message_id: str
    end_to_end_id: str
    kind: str
    amount_fen: int | None


@dataclass(frozen=True)
class Answer:
    """A pain.002 or camt.054. `rest` is what a pain.002 says of the lines of its message that it does not list."""

    statements: tuple[Statement, ...]
    message_id: str = ""
    rest: str = ""
    named: frozenset[str] = frozenset()
    count: int | None = None
    sum_fen: int | None = None


@dataclass
class _Lines:
    """Statements line by line; one that contradicts an earlier one spoils the file."""

    said: dict[str, tuple[str, int | None]] = field(default_factory=dict)

    def add(self, end_to_end_id: str, kind: str, amount_fen: int | None) -> None:
        if self.said.setdefault(end_to_end_id, (kind, amount_fen)) != (kind, amount_fen):
            raise Unreadable("同一笔有两条互相矛盾的明细")


def read_instruction(data: bytes) -> Instruction:
    root = _document(data)
    whole = _need(root, "CstmrCdtTrfInitn")
    blocks = whole.findall("PmtInf")
    if len(blocks) != 1:
        raise Unreadable("付款块不是恰好一个")
    block = blocks[0]
    parts = (_need(whole, "GrpHdr"), block)
    orders = tuple(
        Order(
            _text(line, "PmtId/EndToEndId"),
            _fen(_text(line, "Amt/InstdAmt")),
            _text(line, "CdtrAcct/Id/Othr/Id"),
            _text(line, "Cdtr/Nm"),
        )
        for line in block.findall("CdtTrfTxInf")
    )
    return Instruction(
        message_id=_text(whole, "GrpHdr/MsgId"),
        trial=_text(block, "PmtTpInf/LclInstrm/Prtry") == "TRIAL",
        counts=tuple(_number(_text(part, "NbOfTxs")) for part in parts),
        sums_fen=tuple(_fen(_text(part, "CtrlSum")) for part in parts),
        orders=orders,
    )


def read_answer(data: bytes) -> Answer:
    root = _document(data)
    report = root.find("CstmrPmtStsRpt")
    if report is not None:
        return _receipt(report)
    return _returns(_need(root, "BkToCstmrDbtCdtNtfctn"))


def _receipt(report: Element) -> Answer:
    group = _need(report, "OrgnlGrpInfAndSts")
    blocks = report.findall("OrgnlPmtInfAndSts")
    status, reasons = _maybe(group, "GrpSts"), _reasons(group, "StsRsnInf")
    if not status and len(blocks) == 1:
        status, reasons = _maybe(blocks[0], "PmtInfSts"), _reasons(blocks[0], "StsRsnInf")
    rest = _verdict(status, reasons)
    lines, named = _Lines(), set()
    for line in report.iterfind("OrgnlPmtInfAndSts/TxInfAndSts"):
        end_to_end_id = _text(line, "OrgnlEndToEndId")
        word, own = _text(line, "TxSts"), _reasons(line, "StsRsnInf")
        kind = _verdict(word, own or (reasons if word == status == "RJCT" else own))
        if rest and kind != rest:
            raise Unreadable("整批状态与明细互相矛盾")
        amount = _maybe(line, "OrgnlTxRef/Amt/InstdAmt")
        named.add(end_to_end_id)
        lines.add(end_to_end_id, kind, _fen(amount) if amount else None)
    message_id = _text(group, "OrgnlMsgId")
    count, total = _maybe(group, "OrgnlNbOfTxs"), _maybe(group, "OrgnlCtrlSum")
    return Answer(
        statements=tuple(Statement(message_id, one, kind, fen) for one, (kind, fen) in lines.said.items() if kind),
        message_id=message_id,
        rest=rest,
        named=frozenset(named),
        count=_number(count) if count else None,
        sum_fen=_fen(total) if total else None,
    )


def _returns(notification: Element) -> Answer:
    found: list[Statement] = []
    lines = _Lines()
    for entry in notification.iterfind("Ntfctn/Ntry"):
        details = [detail for detail in entry.findall("NtryDtls/TxDtls") if detail.find("RtrInf") is not None]
        if not details or _maybe(entry, "CdtDbtInd") != "CRDT" or _maybe(entry, "Sts/Cd") != "BOOK":
            continue
        if _maybe(entry, "RvslInd") in ("true", "1"):
            raise Unreadable("含有被冲正的退票")
        entry_fen = _fen(_text(entry, "Amt"))
        for detail in details:
            amount = _maybe(detail, "Amt")
            fen = _fen(amount) if amount else entry_fen
            end_to_end_id = _text(detail, "Refs/EndToEndId")
            if end_to_end_id not in lines.said:
                found.append(Statement(_maybe(detail, "Refs/MsgId"), end_to_end_id, RETURNED, fen))
            lines.add(end_to_end_id, RETURNED, fen)
    return Answer(tuple(found))


def _verdict(status: str, reasons: set[str]) -> str:
    """`settled`, `rejected`, or empty: not answered yet."""
    if status in _CREDITED:
        return SETTLED
    return REJECTED if status == "RJCT" and not reasons & _OPEN_REASONS else ""


def _reasons(element: Element, path: str) -> set[str]:
    """Every ISO and clearing code given as a reason: if any of them leaves the money's whereabouts open, so do we."""
    codes = set()
    for entry in element.findall(path):
        codes |= {_maybe(entry, "Rsn/Cd"), _maybe(entry, "Rsn/Prtry")}
        codes |= {match[1] for note in entry.findall("AddtlInf") if (match := _RAW_CODE.match(note.text or ""))}
    return codes - {""}


def _document(data: bytes) -> Element:
    """The root, element names without their namespace; whatever could make a parser read other text is refused."""
    declared = _DECLARED.match(data)
    encoding = declared[1].decode().lower() if declared else "utf-8"
    body = data[declared.end() :] if declared else data
    try:
        text = body.decode("utf-8-sig" if encoding in ("utf-8", "utf8") else encoding)
        if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
            raise Unreadable("含有文档类型声明")
        root = ElementTree.fromstring(text)
    except (UnicodeDecodeError, LookupError, ValueError, ElementTree.ParseError):
        raise Unreadable("不是完整的 XML") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _need(element: Element, path: str) -> Element:
    found = element.find(path)
    if found is None:
        raise Unreadable(f"缺少 {path}")
    return found


def _maybe(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _text(element: Element, path: str) -> str:
    found = _maybe(element, path)
    if not found:
        raise Unreadable(f"缺少 {path}")
    return found


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text):
        raise Unreadable("笔数不是整数")
    return int(text)


def _fen(text: str) -> int:
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise Unreadable("金额不是两位小数的正数")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
