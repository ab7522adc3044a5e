"""Which pages are published beside the public's own, and what is refused, however it is written."""

import pytest

from tests.policies import policy_document
from yikatong.errors import Refusal
from yikatong.policy_html import check_html, is_html

HEAD = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>示例</title></head><body>'


def page(body: str) -> bytes:
    return f"{HEAD}{body}</body></html>".encode()


def refusal(data: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        check_html(data)
    return refused.value.message


def test_text_tables_styles_pictures_inside_and_links_are_published() -> None:
    check_html(policy_document(html=True))
    check_html(b"\xef\xbb\xbf" + policy_document(html=True))
    picture = "data:image/png;base64,iVBORw0KGgo="
    check_html(
        page(
            "<!-- 2023-06 --><style>p > b { color: #333; font-size: 12pt }</style>"
            '<table border=1 style="border-collapse: collapse"><tr><td colspan="2">金额 &lt; 100 元 > 0</td></tr></table>'
            '<p class="a"><a href="https://www.hlj.gov.cn/">官网</a> <a href="#p1">见上</a><br/>'
            f'<img src="{picture}" alt="章"></p>'
        )
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<script>alert(1)</script>", "脚本"),
        ("<SCRIPT SRC=//x></SCRIPT>", "脚本"),
        ('<p onclick="x()">', "事件属性 onclick"),
        ("<p\nonMouseOver=x>", "事件属性 onmouseover"),
        ('<img src="https://example.com/a.png">', "图片"),
        ('<img src="data:image/svg+xml;base64,AAAA">', "图片"),
        ('<img srcset="a.png 2x">', "srcset"),
        ('<a href="javascript:alert(1)">', "链接"),
        ('<a href="&#106;avascript:alert(1)">', "链接"),
        ('<a href="java\tscript:alert(1)">', "链接"),
        ('<a href="data:text/html,x">', "链接"),
        ('<a href="//example.com">', "链接"),
        ('<form action="/v1/query"><input name=id></form>', "表单"),
        ("<iframe></iframe>", "嵌入的网页"),
        ('<link rel="stylesheet" href="a.css">', "外部样式"),
        ('<base href="https://example.com/">', "网址前缀"),
        ("<svg><style><img src=x onerror=x></style></svg>", "矢量图"),
        ("<math><mtext></mtext></math>", "<math>"),
        ('<meta http-equiv="refresh" content="0;url=https://example.com">', "http-equiv"),
        ('<meta charset="gbk">', "UTF-8"),
        ('<meta name="referrer" content="unsafe-url">', "meta referrer"),
        ('<p style="background:url(https://example.com)">', "样式"),
        ('<p style="background:u&#114;l(x)">', "样式"),
        ('<p style="background:u\\72l(x)">', "样式"),
        ("<style>@import 'x';</style>", "样式"),
        ("<style><!-- p{background:url(x)} --></style>", "样式"),
        ("<style><b></b>p{background:url(x)}</style>", "样式"),
        ("<!--><script>x</script>-->", "脚本"),
        ("<!-- a --!><script>x</script> -->", "脚本"),
        ("<!--[if IE]><p>x</p><![endif]-->", "读不懂"),
        ("<![CDATA[x]]>", "读不懂"),
        ("<?php x ?>", "读不懂"),
        ('<p title="><script>x</script>">', "读不懂"),
        ("<p title=`x`>", "读不懂"),
        ("<p/title=x/onclick=x>", "读不懂"),
        ("<p", "读不懂"),
        ("1 < 2", "读不懂"),
        ("<textarea></textarea>", "textarea"),
        ("<plaintext>", "plaintext"),
        ("a\x00b", "控制字符"),
    ],
)
def test_whatever_acts_fetches_or_leaves_something_to_mend_is_refused(body: str, reason: str) -> None:
    assert reason in refusal(page(body))


def test_reasons_say_their_lines_and_the_rest_is_counted() -> None:
    told = refusal(page("\n<script>\n<iframe>\n" + "".join(f"<p on{n}=x>\n" for n in "abcdef")))
    assert "第2行：不能有<script>" in told
    assert "第3行：不能有<iframe>" in told
    assert "还有 3 处" in told


def test_a_page_in_another_encoding_is_refused() -> None:
    assert "UTF-8" in refusal(f"{HEAD}城市低保</body></html>".encode("gb18030"))
    assert "UTF-8" in refusal(policy_document(html=True).decode().encode("utf-16"))


def test_a_page_is_known_by_its_beginning() -> None:
    assert is_html(policy_document(html=True))
    assert is_html(b"\xef\xbb\xbf  <HTML>")
    assert not is_html(policy_document())
    assert not is_html(b"PK\x03\x04")


def test_a_long_page_is_looked_through_in_a_moment() -> None:
    check_html(page("<p class='a' title='b'>文字</p>\n" * 40_000))
    for hostile in ("<p " + "a " * 200_000, "<p a" + " " * 400_000, "<!--" + "-" * 400_000, "<" * 2_000):
        assert "读不懂" in refusal(page(hostile))
