"""Whether a PDF may be published as it is: it only shows pages. What would do something when it is opened is refused.

Two looks, since a PDF can be read in two ways. The first is every object that the file's own table names, those inside
compressed object streams among them, through pypdf, in its strict mode: a file whose table is broken, which viewers would
mend each in its own way, is refused. The second is the bytes outside of streams and every object stream lying among them, for
what the table does not name: earlier revisions, and what somebody hid.

Looked at are names and values of dictionaries. Not looked at are the drawing instructions of pages, and images, fonts and
colour profiles: a fault in a viewer's decoder is the viewer's. Refused altogether are encrypted files, since nothing in them
can be looked at.
"""

import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from yikatong.errors import Refusal

MAX_OBJECTS = 200_000
MAX_OBJECT_STREAM_BYTES = 64 * 2**20
_MAX_TAIL_BYTES = 1024
_SAFE_ADDRESS = re.compile(r"(https?://|mailto:)", re.IGNORECASE)

_SCRIPT, _FILES, _STARTS, _SENDS, _PLAYS = (
    "含有脚本（JavaScript）",
    "夹带了附件",
    "含有打开其他程序或文件的动作",
    "含有向外提交内容的动作",
    "含有音像或三维内容",
)
_KEYS = {
    "/JS": _SCRIPT,
    "/JavaScript": _SCRIPT,
    "/AA": "含有自动触发的动作",
    "/EmbeddedFiles": _FILES,
    "/EF": _FILES,
    "/XFA": "含有动态表单（XFA）",
    "/Encrypt": "已加密",
}
_KINDS = {
    "/JavaScript": _SCRIPT,
    "/Launch": _STARTS,
    "/GoToE": _STARTS,
    "/GoToR": _STARTS,
    "/SubmitForm": _SENDS,
    "/ImportData": _SENDS,
    "/Rendition": _PLAYS,
    "/Movie": _PLAYS,
    "/Sound": _PLAYS,
    "/RichMedia": _PLAYS,
    "/RichMediaExecute": _PLAYS,
    "/3D": _PLAYS,
    "/EmbeddedFile": _FILES,
    "/FileAttachment": _FILES,
}
# Under which key a dictionary says what kind of action, annotation or stream it is.
_SAYS_ITS_KIND = ("/S", "/Type", "/Subtype")
_HIDDEN = re.compile(
    "|".join(f"{name}(?![A-Za-z0-9_.-])" for name in sorted({*_KEYS, *_KINDS}, key=len, reverse=True)).encode()
)
_STREAM = re.compile(rb"(?<![a-z])stream\r?\n")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


def check_pdf(data: bytes) -> None:
    """Raises Refusal with every reason why it is not published."""
    reasons = sorted({*_reasons_in_bytes(data), *_reasons_in_objects(data)})
    if reasons:
        raise Refusal(
            f"这个 PDF {'，'.join(reasons)}，不能公开。请从原稿重新导出（打印为 PDF），不带附件、脚本和密码。", "unsafe"
        )


def _reasons_in_objects(data: bytes) -> Iterator[str]:
    try:
        reader = PdfReader(io.BytesIO(data), strict=True)
        if reader.is_encrypted:
            yield _KEYS["/Encrypt"]
            return
        named = [(number, generation) for generation, numbers in reader.xref.items() for number in numbers]
        named += [(number, 0) for number in reader.xref_objStm]
        if len(named) > MAX_OBJECTS:
            raise Refusal("这个 PDF 内部对象过多，请从原稿重新导出。", "unsafe")
        yield from _reasons_in(reader.trailer)
        for number, generation in named:
            yield from _reasons_in(reader.get_object(IndirectObject(number, generation, reader)))
        if not len(reader.pages):
            raise Refusal("这个 PDF 一页也没有。", "unsafe")
    except Refusal:
        raise
    # Whatever a malformed file makes the library raise means the same: nobody can say what is in it.
    except Exception as error:
        raise Refusal("这个 PDF 不完整或不规范，读不出来，请从原稿重新导出（打印为 PDF）。", "unreadable") from error


def _reasons_in(found: Any) -> Iterator[str]:
    """Look through one object, down to where it refers to another one, which has its own turn."""
    waiting = [found]
    while waiting:
        each = waiting.pop()
        if isinstance(each, DictionaryObject):
            yield from _reasons_of(each)
            waiting += [each.raw_get(key) for key in each]
        elif isinstance(each, ArrayObject):
            waiting += list(each)


def _reasons_of(found: DictionaryObject) -> Iterator[str]:
    for key in found:
        if key in _KEYS:
            yield _KEYS[key]
    for key in _SAYS_ITS_KIND:
        kind = found.get(key)
        if isinstance(kind, str) and kind in _KINDS:
            yield _KINDS[kind]
    address = found.get("/URI")
    if isinstance(address, (str, bytes)):
        text = address if isinstance(address, str) else address.decode("latin-1")
        if not _SAFE_ADDRESS.match(text):
            yield "含有不是网址的链接"
    if isinstance(found, StreamObject) and "/F" in found:
        yield "内容放在别的文件里"


def _reasons_in_bytes(data: bytes) -> Iterator[str]:
    last = data.rfind(b"%%EOF")
    if last < 0 or len(data) - last > _MAX_TAIL_BYTES:
        yield "末尾缺失或另有内容"
    for text in _outside_streams(data):
        for name in _HIDDEN.findall(_unescaped(text)):
            yield {**_KINDS, **_KEYS}[name.decode()]


def _outside_streams(data: bytes) -> Iterator[bytes]:
    """What stands between the streams, and what is packed in those that hold objects."""
    at = 0
    while (begin := _STREAM.search(data, at)) is not None:
        before = data[at : begin.start()]
        yield before
        end = data.find(b"endstream", begin.end())
        end = len(data) if end < 0 else end
        if b"/ObjStm" in _unescaped(before[before.rfind(b"obj") :]):
            yield _inflated(data[begin.end() : end])
        at = end + len(b"endstream")
    yield data[at:]


def _inflated(packed: bytes) -> bytes:
    """An object stream's content; of one packed in another way nothing, the objects its table names are looked at anyway."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, MAX_OBJECT_STREAM_BYTES)
    except zlib.error:
        return packed
    if unpacking.unconsumed_tail:
        raise Refusal("这个 PDF 展开后过大，请从原稿重新导出。", "unsafe")
    return text


def _unescaped(text: bytes) -> bytes:
    """Names may be written in numbers: `/J#53` is `/JS`."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text)
