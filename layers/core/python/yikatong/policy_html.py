"""Whether an HTML page may be published as it is, beside the public's own pages: text, tables and pictures inside it, no more.

It is refused, not cleaned: what a bureau issued is published to the letter, or not at all, and the bureau is told why. Browsers
mend whatever they meet, each mending a chance to read something else than was checked, so the page is held to a grammar that
leaves nothing to mend: every `<` begins a known tag, an allowed comment or the doctype, attributes hold neither `<` nor
`>`. What is not on the lists below is refused: scripts, event handlers, forms, frames, anything fetched from elsewhere.
"""

import html
import re
from collections.abc import Iterator

from yikatong.errors import Refusal

MOST_REASONS = 5
_ELEMENTS_TAKEN = (
    "html head title meta style body main header footer section article div span p br hr h1 h2 h3 h4 h5 h6"
    " a b strong i em u s sub sup small big font center blockquote pre code ul ol li dl dt dd"
    " table caption colgroup col thead tbody tfoot tr th td img figure figcaption abbr address time"
)
_ATTRIBUTES_TAKEN = (
    "class id lang dir title style align valign width height border cellpadding cellspacing colspan rowspan bgcolor"
    " color face size span start type value href name target rel src alt charset content http-equiv scope headers"
    " datetime summary nowrap clear role xmlns xml:lang"
)
_ELEMENTS, _ATTRIBUTES = frozenset(_ELEMENTS_TAKEN.split()), frozenset(_ATTRIBUTES_TAKEN.split())
_META_NAMES = frozenset({"viewport", "description", "keywords", "author", "generator", "date"})
_NAMES_OF_ELEMENTS = {
    "script": "脚本",
    "form": "表单",
    "input": "表单",
    "iframe": "嵌入的网页",
    "object": "嵌入的对象",
    "embed": "嵌入的对象",
    "link": "外部样式或资源",
    "base": "网址前缀",
    "svg": "矢量图",
    "video": "音像",
    "audio": "音像",
}
_ATTRIBUTE = r"""\s++([A-Za-z][A-Za-z0-9:-]*+)(?:\s*+=\s*+("[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`/]++))?+"""
_TAG = re.compile(rf"</?+([A-Za-z][A-Za-z0-9]*+)((?:{_ATTRIBUTE})*+)\s*+/?+>")
_ONE_ATTRIBUTE = re.compile(_ATTRIBUTE)
_COMMENT = re.compile(r"<!--[^<>-]*+(?:-[^<>-]++)*+-->")
_DOCTYPE = re.compile(r"\s*+<!doctype\s++html[^<>\[]*+>", re.IGNORECASE)
_BEGINNING = re.compile(r"\s*+(?:<!doctype\s++html|<html)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)[!-~一-鿿]++|#[^\s]*+", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]++", re.IGNORECASE)
_CONTENT_TYPE = re.compile(r"text/html;\s*+charset=utf-8", re.IGNORECASE)
_STYLE_FETCHES = re.compile(r"url|image|src\s*\(|@|\\|expression|behavior|binding|<", re.IGNORECASE)
_STYLE = "样式里引用了别的内容，或用了转义"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def is_html(data: bytes) -> bool:
    """Whether the bytes begin as a page does, whatever the file is called."""
    return _BEGINNING.match(data[:1024].removeprefix(b"\xef\xbb\xbf").decode("latin-1")) is not None


def check_html(data: bytes) -> None:
    """Raises Refusal with the first reasons, each with its line, why the page is not published."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("这个网页不是 UTF-8 编码，请另存为 UTF-8 后再报送。", "unreadable") from None
    reasons = list(dict.fromkeys(f"第{text.count(chr(10), 0, at) + 1}行：{reason}" for at, reason in _reasons(text)))
    if reasons:
        more = f"；还有 {len(reasons) - MOST_REASONS} 处" if len(reasons) > MOST_REASONS else ""
        raise Refusal(f"这个网页不能公开：{'；'.join(reasons[:MOST_REASONS])}{more}。", "unsafe")


def _reasons(text: str) -> Iterator[tuple[int, str]]:
    """Where and why."""
    if (odd := _CONTROL.search(text)) is not None:
        yield odd.start(), "有控制字符"
    doctype = _DOCTYPE.match(text)
    at = doctype.end() if doctype else 0
    in_style = False
    while True:
        begin = text.find("<", at)
        words = text[at:] if begin < 0 else text[at:begin]
        if in_style and _STYLE_FETCHES.search(words):
            yield at, _STYLE
        if begin < 0:
            return
        if (comment := _COMMENT.match(text, begin)) is not None:
            # To a style sheet the marks of a comment mean nothing: what they enclose applies.
            if in_style and _STYLE_FETCHES.search(comment[0], 4):
                yield begin, _STYLE
            at = comment.end()
            continue
        tag = _TAG.match(text, begin)
        if tag is None:
            yield begin, f"“<”后面读不懂：{_shown(text, begin)}。正文里的小于号请写作 &lt;，注释请去掉"
            at = begin + 1
            continue
        name = tag[1].lower()
        closing = text.startswith("</", begin)
        if in_style and not (closing and name == "style"):
            yield begin, "样式里有标签"
        else:
            in_style = name == "style" and not closing
        if name not in _ELEMENTS:
            kind = _NAMES_OF_ELEMENTS.get(name)
            yield begin, f"不能有<{name[:20]}>" + (f"（{kind}）" if kind else "")
        for attribute, value in _ONE_ATTRIBUTE.findall(tag[2]):
            if (reason := _reason_of(name, attribute.lower(), html.unescape(value.strip("\"'")))) is not None:
                yield begin, reason
        at = tag.end()


def _reason_of(element: str, name: str, value: str) -> str | None:
    """Why an attribute is not published, None if it is."""
    if name.startswith("on"):
        return f"不能有事件属性 {name[:20]}"
    if name not in _ATTRIBUTES and not name.startswith(("data-", "aria-", "xmlns:")):
        return f"不能有属性 {name[:20]}"
    if name == "style" and _STYLE_FETCHES.search(value):
        return _STYLE
    if name == "href" and not _ADDRESS.fullmatch(value.strip()):
        return "链接要写完整的网址（http://、https://）、电话、邮箱，或本页的位置（#）"
    if name == "src" and not (element == "img" and _PICTURE.fullmatch(value)):
        return "图片要嵌在网页里（data:image/png;base64,…），不能从别处取"
    if element == "meta":
        if name == "charset" and value.lower() != "utf-8":
            return "声明的编码不是 UTF-8"
        if name == "http-equiv" and value.lower() != "content-type":
            return "不能有 http-equiv 指令"
        if name == "content" and "charset" in value.lower() and not _CONTENT_TYPE.fullmatch(value):
            return "声明的编码不是 UTF-8"
        if name == "name" and value.lower() not in _META_NAMES:
            return f"不能有 meta {value[:20]}"
    return None


def _shown(text: str, at: int) -> str:
    return "".join(each for each in text[at : at + 12] if each.isprintable())
