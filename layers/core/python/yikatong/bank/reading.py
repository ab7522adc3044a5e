"""What every message from a bank has in common: safe XML, money as fen, dates, reason codes.

The standard library's XML expands internal entities, so an amount could be swapped between what a person reads and what
a program does (FACTS). A DOCTYPE is therefore refused *before* anything is parsed; and because an encoding could hide
one, the text is decoded here, strictly, and the parser sees characters only.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, TypeAlias, cast
from xml.etree.ElementTree import Element

from yikatong.errors import Refusal

# The stub's type parameter is the event's payload; the class takes none at run time, hence the quotes.
_Parser: TypeAlias = "ElementTree.XMLPullParser[Any]"

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_LINES: Final = 200_000
MAX_DEPTH: Final = 40
_ROOT_WITHIN: Final = 16_384  # characters: a declaration, comments and the root element fit

_SHANGHAI: Final = timezone(timedelta(hours=8))
_DECLARATION: Final = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']"
)
_ENCODINGS: Final = {"utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
_AMOUNT: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2})0*)?")
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_./?:(),'+ -]{1,35}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{10}")
_RAW_CODE: Final = re.compile(r"\s*([0-9]{4})(?![0-9])")


def refuse(what: str) -> Refusal:
    """A refusal of a bank's file, whole: the caller puts it in quarantine with this reason."""
    return Refusal(f"银行报文不能受理：{what}", "bank_message_refused")


def shown(found: str) -> str:
    """What of a bank's text may stand in a refusal, which may be logged: plain words and ids, no name, no long number.

    >>> shown("PDNX"), shown("6217000000000000001"), shown("张三")
    ('PDNX', '（略）', '（略）')
    """
    plain = found.isascii() and found.isprintable() and len(found) <= 80 and not _LONG_NUMBER.search(found)
    return found if plain else "（略）"


def read_document(data: bytes, namespaces: frozenset[str]) -> Element:
    """The root element `Document` of a bank's message, its namespace checked, its element names stripped of it.

    `data` is at most `MAX_BYTES`, UTF-8 or GB18030 as its declaration says. Raises `Refusal` for a DOCTYPE or entity
    declaration, undecodable or malformed text, nesting deeper than `MAX_DEPTH`, or a namespace not in `namespaces`.
    """
    root = _parse(_decode(data))
    namespace, _, name = root.tag[1:].partition("}") if root.tag.startswith("{") else ("", "", root.tag)
    if namespace not in namespaces or name != "Document":
        raise refuse(f"报文种类“{shown(namespace)}”不在约定之内，应为 {'、'.join(sorted(namespaces))}")
    prefix = f"{{{namespace}}}"
    for element in root.iter():
        if not element.tag.startswith(prefix):
            raise refuse("报文中混有其他命名空间的内容")
        element.tag = element.tag[len(prefix) :]
    return root


def namespace_of(data: bytes) -> str:
    """The namespace of the message's root; the rest is not parsed yet. Raises `Refusal` as `read_document`."""
    text = _decode(data)[:_ROOT_WITHIN]
    parser: _Parser = ElementTree.XMLPullParser(events=("start",))
    try:
        parser.feed(text)
        _, root = next(_events(parser))
    except (ElementTree.ParseError, ValueError, StopIteration):
        raise refuse("不是完整、合规的 XML") from None
    tag = str(root.tag)
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def text_at(element: Element, path: str) -> str | None:
    """The text at `path`, without surrounding blanks; None where the element is absent or empty."""
    found = (element.findtext(path) or "").strip()
    return found or None


def identifier_at(element: Element, path: str) -> str:
    """A required ISO identifier (1 to 35 characters). Raises `Refusal` naming the element, never its content."""
    found = text_at(element, path)
    if found is None:
        raise refuse(f"缺少 {path}")
    if not _IDENTIFIER.fullmatch(found):
        raise refuse(f"{path} 不是合规的标识（1至35个字母、数字或符号）")
    return found


def fen_at(element: Element, path: str) -> int | None:
    """The amount at `path` in fen; None where there is none.

    Raises `Refusal` for another currency than CNY, a sign, an exponent or a fraction of a fen: nothing is rounded.
    """
    found = element.find(path)
    if found is None:
        return None
    if found.get("Ccy", "CNY") != "CNY":
        raise refuse(f"{path} 的币种不是人民币（CNY）")
    return fen((found.text or "").strip(), path)


def fen(text: str, where: str) -> int:
    """Yuan in decimal text to fen.

    >>> fen("105.5", "Amt"), fen("0.01", "Amt"), fen("12.3400", "Amt")
    (10550, 1, 1234)
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise refuse(f"{where} 不是合规的金额（元，最多两位小数）")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def date_at(element: Element, path: str) -> date | None:
    """The date at `path`, whether written as a date or as a moment (then its date in Shanghai). None if absent."""
    found = text_at(element, path)
    if found is None:
        return None
    try:
        if written := _DATE.fullmatch(found):
            return date.fromisoformat(written[1])
        moment = datetime.fromisoformat(found)
    except ValueError:
        raise refuse(f"{path} 不是合规的日期") from None
    return moment.astimezone(_SHANGHAI).date() if moment.tzinfo else moment.date()


def codes_at(element: Element, path: str) -> tuple[str | None, str | None]:
    """(ISO code, raw clearing code) of the reasons at `path`, each the first found.

    A bank writes its own code as `Rsn/Prtry`, or at the start of `AddtlInf` beside an ISO `Rsn/Cd`.
    """
    iso: str | None = None
    raw: str | None = None
    for entry in element.findall(path):
        iso = iso or text_at(entry, "Rsn/Cd")
        raw = raw or text_at(entry, "Rsn/Prtry")
        for note in entry.findall("AddtlInf"):
            match = _RAW_CODE.match(note.text or "")
            raw = raw or (match[1] if match else None)
    return iso, raw


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise refuse(f"文件超过 {MAX_BYTES // 1024 // 1024} MB")
    declared = _DECLARATION.match(data)
    encoding = _ENCODINGS.get(declared[1].decode().lower()) if declared else "utf-8"
    if encoding is None:
        raise refuse("字符编码不在约定之内（UTF-8 或 GB18030）")
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        raise refuse("字符编码与声明不符，文件可能残缺") from None
    if "\x00" in text:
        # Not pedantry: fed "<\0" as characters, expat still guesses UTF-16 and reads a DOCTYPE this search cannot see.
        raise refuse("含有空字符，不是完整、合规的 XML")
    upper = text.upper()
    if "<!DOCTYPE" in upper or "<!ENTITY" in upper:
        raise refuse("含有 DOCTYPE 或实体声明")
    return text


def _parse(text: str) -> Element:
    """The tree, refusing depth as it grows: a tree of a million levels would exhaust the stack of whoever walks it."""
    parser: _Parser = ElementTree.XMLPullParser(events=("start", "end"))
    depth = 0
    root: Element | None = None
    try:
        for start in range(0, len(text), 1 << 20):
            parser.feed(text[start : start + (1 << 20)])
            root, depth = _watch_depth(parser, root, depth)
        parser.close()
        root, depth = _watch_depth(parser, root, depth)
    except (ElementTree.ParseError, ValueError, UnicodeError):
        raise refuse("不是完整、合规的 XML") from None
    if root is None:
        raise refuse("不是完整、合规的 XML")
    return root


def _events(parser: _Parser) -> Iterator[tuple[str, Element]]:
    # The stub also knows events of namespaces and comments; we ask for elements only.
    return cast("Iterator[tuple[str, Element]]", parser.read_events())


def _watch_depth(parser: _Parser, root: Element | None, depth: int) -> tuple[Element | None, int]:
    for event, element in _events(parser):
        if event == "start":
            root = element if root is None else root
            depth += 1
            if depth > MAX_DEPTH:
                raise refuse(f"嵌套超过 {MAX_DEPTH} 层")
        else:
            depth -= 1
    return root, depth
