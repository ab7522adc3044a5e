"""Reading a payment message as this bank understands it: pain.001.001.09."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

_NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
_MONEY = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,35}")


class Invalid(Exception):
    """The message is refused; the text is the reason the caller gets with its 400."""


@dataclass(frozen=True)
class Line:
    """One credit transfer. `amount_fen` in fen."""

    end_to_end_id: str
    account: str
    name: str
    amount_fen: int


@dataclass(frozen=True)
class Instruction:
    """One message: what it says, after its counts and sums were found right."""

    message_id: str
    requested_date: str
    debtor_account: str
    trial: bool
    lines: tuple[Line, ...]

    @property
    def total_fen(self) -> int:
        return sum(line.amount_fen for line in self.lines)


def read_instruction(body: bytes) -> Instruction:
    """Read and check one message. Raises `Invalid` with the reason."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\x00" in body:
        raise Invalid("document type declarations are not accepted")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Invalid(f"not well-formed XML: {error}") from None
    if root.tag != f"{_NS}Document":
        raise Invalid("not a pain.001.001.09 document")
    initiation = root.find(f"{_NS}CstmrCdtTrfInitn")
    if initiation is None:
        raise Invalid("CstmrCdtTrfInitn is missing")
    message_id = _text(initiation, "GrpHdr/MsgId")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise Invalid("MsgId holds characters this bank does not take")
    blocks = initiation.findall(f"{_NS}PmtInf")
    if len(blocks) != 1:
        raise Invalid(f"this bank takes one PmtInf a message, not {len(blocks)}")
    block = blocks[0]
    lines = tuple(_line(element) for element in block.iterfind(f"{_NS}CdtTrfTxInf"))
    _check_totals(initiation, "GrpHdr", lines)
    _check_totals(block, "", lines)
    return Instruction(
        message_id=message_id,
        requested_date=_text(block, "ReqdExctnDt/Dt"),
        debtor_account=_text(block, "DbtrAcct/Id/Othr/Id"),
        trial=_text(block, "PmtTpInf/LclInstrm/Prtry", "FORMAL") == "TRIAL",
        lines=lines,
    )


def _line(element: ElementTree.Element) -> Line:
    amount = element.find(_path("Amt/InstdAmt"))
    if amount is None or amount.get("Ccy") != "CNY":
        raise Invalid("a line has no InstdAmt in CNY")
    line = Line(
        end_to_end_id=_text(element, "PmtId/EndToEndId"),
        account=_text(element, "CdtrAcct/Id/Othr/Id"),
        name=_text(element, "Cdtr/Nm"),
        amount_fen=_fen(amount.text or "", "InstdAmt"),
    )
    if line.amount_fen <= 0:
        raise Invalid(f"line {line.end_to_end_id}: the amount is not positive")
    return line


def _check_totals(parent: ElementTree.Element, inside: str, lines: tuple[Line, ...]) -> None:
    prefix = f"{inside}/" if inside else ""
    count, total = _text(parent, f"{prefix}NbOfTxs"), _fen(_text(parent, f"{prefix}CtrlSum"), "CtrlSum")
    where = inside or "PmtInf"
    if count != str(len(lines)):
        raise Invalid(f"{where} NbOfTxs says {count}, the message has {len(lines)} lines")
    actual = sum(line.amount_fen for line in lines)
    if total != actual:
        raise Invalid(f"{where} CtrlSum says {total} fen, the lines sum to {actual} fen")


def _fen(text: str, where: str) -> int:
    match = _MONEY.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"{where} is not an amount of yuan and fen")
    return int(match[1] + (match[2] or "").ljust(2, "0"))


def _text(element: ElementTree.Element, path: str, default: str | None = None) -> str:
    found = (element.findtext(_path(path)) or "").strip()
    if found:
        return found
    if default is None:
        raise Invalid(f"{path} is missing")
    return default


def _path(path: str) -> str:
    return "/".join(_NS + step for step in path.split("/"))
