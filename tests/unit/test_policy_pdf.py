"""Which PDFs are published, and what would do something when it is opened, wherever it hides."""

import zlib
from pathlib import Path

import pytest

from tests.policies import pdf_of, pdf_of_objects, policy_document
from yikatong.errors import Refusal
from yikatong.policy_pdf import check_pdf

PAGE = ["BT /F1 18 Tf 72 720 Td (page) Tj ET"]


def refusal(data: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        check_pdf(data)
    return refused.value.message


def packed(*objects: str, filtering: str = "/Filter /FlateDecode", revision: bytes = b"") -> bytes:
    """A PDF whose objects lie in a compressed object stream named by a table that is a stream itself."""
    texts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        *objects,
    ]
    offsets, at = [], 0
    for number, text in enumerate(texts, start=1):
        offsets.append(f"{number} {at}")
        at += len(text) + 1
    head = " ".join(offsets) + " "
    raw = (head + " ".join(texts)).encode()
    content = zlib.compress(raw) if "Flate" in filtering else raw.hex().encode() + b">"
    count = len(texts)
    out = b"%PDF-1.7\n" + revision
    stream_at = len(out)
    out += f"{count + 1} 0 obj\n<< /Type /ObjStm /N {count} /First {len(head)} {filtering} /Length {len(content)} >>\n".encode()
    out += b"stream\n" + content + b"\nendstream\nendobj\n"
    table_at = len(out)
    rows = [(0, 0, 65535), *((2, count + 1, n) for n in range(count)), (1, stream_at, 0), (1, table_at, 0)]
    table = b"".join(kind.to_bytes(1, "big") + a.to_bytes(4, "big") + b.to_bytes(2, "big") for kind, a, b in rows)
    words = f"/Type /XRef /Size {count + 3} /W [1 4 2] /Root 1 0 R /Length {len(table)}"
    out += f"{count + 2} 0 obj\n<< {words} >>\nstream\n".encode() + table + b"\nendstream\nendobj\n"
    return out + f"startxref\n{table_at}\n%%EOF\n".encode()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_plain_document_is_published(seed: int) -> None:
    check_pdf(policy_document(seed=seed))
    check_pdf(packed())


def test_an_opening_view_a_web_address_and_a_form_field_without_action_do_no_harm() -> None:
    link = "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.gov.cn/a) >> >>"
    check_pdf(pdf_of(PAGE, "t", link, catalog="/OpenAction [4 0 R /Fit] /AcroForm << /Fields [] >>"))


@pytest.mark.parametrize(
    ("object_text", "reason"),
    [
        ("<< /S /JavaScript /JS (app.alert\\(1\\)) >>", "脚本"),
        ("<< /S /J#61vaScript /#4AS (x) >>", "脚本"),
        ("<< /S /Launch /F (cmd.exe) >>", "打开其他程序"),
        ("<< /S /GoToR /F (other.pdf) /D [0 /Fit] >>", "打开其他程序"),
        ("<< /S /SubmitForm /F (http://example.com) >>", "向外提交"),
        ("<< /S /URI /URI (javascript:alert\\(1\\)) >>", "不是网址的链接"),
        ("<< /Type /Filespec /F (a.exe) /EF << /F 7 0 R >> >>", "附件"),
        ("<< /Type /Annot /Subtype /FileAttachment >>", "附件"),
        ("<< /Type /Annot /Subtype /RichMedia >>", "音像"),
        ("<< /AA << /O << /S /Named /N /NextPage >> >> >>", "自动触发"),
        ("<< /XFA [] >>", "动态表单"),
        ("<< /Length 3 /F (http://example.com/x) >>\nstream\nabc\nendstream", "别的文件"),
    ],
)
def test_what_does_something_is_refused_by_name_in_the_open_and_in_an_object_stream(
    object_text: str, reason: str
) -> None:
    assert reason in refusal(pdf_of(PAGE, "t", object_text))
    if "stream" not in object_text:
        assert reason in refusal(packed(object_text))
        assert reason in refusal(packed(object_text, filtering="/Filter /ASCIIHexDecode"))


def test_a_script_in_an_object_that_the_table_does_not_name_is_found() -> None:
    hidden = b"9 0 obj\n<< /S /JavaScript /JS (x) >>\nendobj\n"
    assert "脚本" in refusal(packed(revision=hidden))
    stream = zlib.compress(b"9 0 << /S /JavaScript /JS (x) >>")
    lost = b"9 0 obj\n<< /Type /Obj#53tm /Filter /FlateDecode >>\nstream\n" + stream + b"\nendstream\nendobj\n"
    assert "脚本" in refusal(packed(revision=lost))


def test_a_page_that_only_speaks_of_scripts_is_no_script() -> None:
    check_pdf(pdf_of(["BT (/JS /JavaScript /Launch) Tj ET"]))


def test_an_encrypted_file_is_refused() -> None:
    locked = pdf_of_objects(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"],
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O (x) /U (y) /P 0 >>",
    )
    assert "已加密" in refusal(locked)


@pytest.mark.parametrize("cut", [20, 200, 400])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    assert "PDF" in refusal(policy_document()[:-cut])


def test_a_file_whose_table_is_wrong_is_refused_since_viewers_would_each_mend_it_in_their_own_way() -> None:
    data = policy_document()
    assert "不规范" in refusal(data.replace(b"startxref\n", b"startxref\n1"))


def test_what_is_glued_to_the_end_is_refused() -> None:
    assert "末尾" in refusal(policy_document() + b"PK\x03\x04" * 500)


def test_a_document_without_pages_is_refused() -> None:
    assert "一页也没有" in refusal(pdf_of([]))


def test_a_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yikatong.policy_pdf.MAX_OBJECT_STREAM_BYTES", 1_000_000)
    stream = zlib.compress(b"\x00" * 3_000_000)
    bomb = b"9 0 obj\n<< /Type /ObjStm >>\nstream\n" + stream + b"\nendstream\nendobj\n"
    assert "展开后过大" in refusal(packed(revision=bomb))


def test_documents_that_real_programs_wrote_are_published() -> None:
    """Manuals that other programs typeset, where this machine has any."""
    found = sorted(Path("/usr/share/doc").rglob("*.pdf"))[:5]
    if not found:
        pytest.skip("no PDF on this machine")
    for path in found:
        check_pdf(path.read_bytes())
