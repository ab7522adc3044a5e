"""Traps of CSV and tab-separated files: encodings, line ends, quotes, titles, totals, headers, and what is no roster."""

from collections.abc import Mapping

from tests.corpus.roster import AMOUNT, NAME, PEOPLE, PLAIN, RARE, TRAPS_IN_GB18030, roster, spoiled, with_person
from tests.corpus.writing import csv_bytes, csv_text
from yikatong.roster.columns import Column

_FINE = {AMOUNT: "520.125"}


def files() -> Mapping[str, bytes]:
    return {**_encodings(), **_line_ends(), **_around(), **_headers(), **_totals(), **_no_rosters()}


def _encodings() -> dict[str, bytes]:
    good = roster()
    rare = roster(*((row, with_person(one)) for row, one in enumerate(RARE, start=5)))
    traps = roster(*((row, with_person(one)) for row, one in enumerate(TRAPS_IN_GB18030, start=5)))
    text = csv_text(good)
    half = csv_bytes(good, "gb18030").split(b"\r\n")
    half[4] = half[4][:1] + half[4][2:]
    bad = csv_bytes(good, "utf-8").split(b"\r\n")
    bad[4] = b"\xff" + bad[4]
    surrogate = csv_bytes(good, "utf-8").split(b"\r\n")
    surrogate[4] = b"\xed\xa0\x80" + surrogate[4]
    # 上 is 4E 0A: a line end to whoever counts bytes.
    wide = csv_bytes([["上半年名册"], *good], "utf-16-le").split("\r\n".encode("utf-16-le"))
    wide[5] = b"\x00\xd8" + wide[5]
    return {
        "utf8.csv": text.encode(),
        "utf8-bom.csv": text.encode("utf-8-sig"),
        "gbk.csv": text.encode("gbk"),
        "utf16-little-endian.csv": b"\xff\xfe" + text.encode("utf-16-le"),
        "utf16-big-endian.csv": b"\xfe\xff" + text.encode("utf-16-be"),
        "utf16-tabs.txt": b"\xff\xfe" + csv_bytes(good, "utf-16-le", separator="\t"),
        "rare-characters-utf8.csv": csv_bytes(rare, "utf-8"),
        "rare-characters-gb18030.csv": csv_bytes(rare, "gb18030"),
        "rare-characters-utf16.csv": b"\xff\xfe" + csv_bytes(rare, "utf-16-le"),
        "gb18030-separators-inside-characters.csv": csv_bytes(traps, "gb18030"),
        "gb18030-half-a-character.csv": b"\r\n".join(half),
        "utf8-bad-byte.csv": b"\r\n".join(bad),
        "utf8-lone-surrogate.csv": b"\r\n".join(surrogate),
        "utf16-lone-surrogate.csv": b"\xff\xfe" + "\r\n".encode("utf-16-le").join(wide),
        "utf16-cut-in-half.csv": (b"\xff\xfe" + text.encode("utf-16-le"))[:-1],
        "utf16-without-mark.csv": text.encode("utf-16-le"),
        "nul-byte.csv": csv_bytes(spoiled(NAME, "王\0"), "utf-8"),
    }


def _line_ends() -> dict[str, bytes]:
    columns = (*PLAIN, Column.REMARK)
    broken = roster((3, {Column.REMARK: "第一行\n第二行"}), (6, _FINE), columns=columns)
    twice = roster((3, {Column.REMARK: "一\r\n\r\n三"}), (6, _FINE), columns=columns)
    quotes = roster((3, {Column.REMARK: '人称"老王",住村东'}), (6, _FINE), columns=columns)
    lines = csv_text(roster((6, _FINE)), newline="\n").splitlines()
    mixed = "".join(line + ("\r\n" if at % 2 else "\n") for at, line in enumerate(lines))
    # Lines end in CR, as old systems write them; the LF belongs to a cell.
    old = csv_text([["发放名册"], *broken], newline="\r")
    unclosed = csv_text(roster(), newline="\n").splitlines()
    unclosed[4] = '"' + unclosed[4]
    inside = csv_text(roster()).splitlines()
    inside[4] = inside[4].replace(PEOPLE[3].name, PEOPLE[3].name[0] + '"' + PEOPLE[3].name[1:])
    later = csv_text(roster((7, {Column.REMARK: "一\n二,三"}), (9, _FINE), columns=columns)).split("\r\n")
    later[4] = later[4].replace(PEOPLE[3].name, PEOPLE[3].name[0] + '"' + PEOPLE[3].name[1:])
    swallowed = csv_text(roster(columns=columns), newline="\n").splitlines()
    swallowed[3] += '"一级'
    swallowed[5] += '"二级'
    covered = [*swallowed[:5], swallowed[5].replace('"二级', '二级"'), *swallowed[6:]]
    spaced = [*covered[:4], *(line.replace("1990", " 1990 ").replace("19", " 19") for line in covered[4:])]
    return {
        "two-quotes-and-spaced-numbers-between.csv": "\n".join(spaced).encode(),
        "two-quotes-in-order-and-people-between.csv": "\n".join(covered).encode(),
        "two-stray-quotes-and-people-between.csv": "\n".join(swallowed).encode(),
        "old-end-of-file.csv": csv_bytes(roster((6, _FINE))) + b"\x1a",
        "lf.csv": csv_bytes(roster((6, _FINE)), newline="\n"),
        "cr.csv": csv_bytes(roster((6, _FINE)), newline="\r"),
        "cr-and-a-line-feed-in-a-cell.csv": old.encode(),
        "crlf-and-lf.csv": mixed.encode(),
        "no-line-end-at-the-end.csv": csv_bytes(roster((13, _FINE))).rstrip(),
        "tabs.tsv": csv_bytes(roster((6, _FINE)), separator="\t"),
        "quoted-line-break.csv": csv_bytes(broken),
        "quoted-line-breaks-and-blank.csv": csv_bytes(twice),
        "quoted-quotes-and-commas.csv": csv_bytes(quotes),
        "quoted-everything.csv": "\r\n".join(
            ",".join(f'"{cell}"' for cell in row) for row in roster((6, _FINE))
        ).encode(),
        "quote-not-closed.csv": "\n".join(unclosed).encode(),
        "quote-inside-a-name-and-a-line-break-below.csv": "\r\n".join(later).encode(),
        "quote-inside-a-name.csv": "\r\n".join(inside).encode(),
    }


def _around() -> dict[str, bytes]:
    head, *rows = roster((6, _FINE))
    blank: list[object] = ["", "", "", ""]
    return {
        "title-above.csv": csv_bytes([["2023年6月城市特困人员照料护理补贴发放名册", "", "", ""], head, *rows]),
        "titles-and-blank-lines-above.csv": b"\r\n\r\n"
        + csv_bytes([["发放名册"], ["填报单位：道里区", "", "", "单位：元"], head, *rows], "utf-8"),
        "title-above-and-returns-before-line-ends.csv": csv_bytes(
            [["发放名册", "", "", ""], head, *rows], newline="\r\r\n"
        ),
        "header-cell-with-a-return.csv": csv_text([head, *rows], newline="\n")
        .replace(str(head[3]), '"发放金额\r(元)"')
        .encode(),
        "title-with-a-line-break-above.csv": csv_bytes([["2023年6月\n发放名册", "", "", ""], head, *rows]),
        "nineteen-titles-above.csv": csv_bytes([*([["名册"]] * 19), head, *rows]),
        "twenty-titles-above.csv": csv_bytes([*([["名册"]] * 20), head, *rows]),
        "blank-lines-between.csv": csv_bytes([head, *rows[:2], blank, [], *rows[2:], blank, []]),
        "lines-of-blanks-between.csv": csv_bytes([head, *rows[:2], [" ", "　", "", "\t"], *rows[2:]]),
        "rows-shorter-than-the-header.csv": csv_bytes([[*head, "备注"], *rows]),
        "empty-cells-beyond-the-header.csv": csv_bytes([head, *([*row, "", " "] for row in rows)]),
        "filled-cell-beyond-the-header.csv": csv_bytes([head, *rows[:3], [*rows[3], "多"], *rows[4:]]),
        "header-again-in-the-middle.csv": csv_bytes([*(many := roster(count=24))[:7], head, *many[7:]]),
    }


def _headers() -> dict[str, bytes]:
    rows = roster((6, _FINE))[1:]
    order = [[amount, slot, "甲", id_number, name] for name, id_number, slot, amount in rows]
    numbered = [[number, *row] for number, row in enumerate(rows, start=1)]

    def under(*header: str) -> bytes:
        return csv_bytes([header, *rows])

    return {
        "header-aliases-in-another-order.csv": csv_bytes(
            [["应发金额（元）", "所属期", "民族", "公民身份号码", "补贴对象姓名"], *order]
        ),
        "header-alias-id-card.csv": under("享受人", "身份证号码", "补贴属期", "补贴金额"),
        "header-alias-certificate.csv": under("姓名", "证件号码", "发放属期", "金额"),
        "header-with-blanks-and-stars.csv": under("姓 名", "*身份证号", " 属　期 ", "发放金额 (元)"),
        "header-with-a-line-break.csv": under("姓名", "身份证号", "属期", "发放金额\n(元)"),
        "header-full-width.csv": under("姓名", "身份证号", "属期", "发放金额（元）"),
        "header-numbering.csv": csv_bytes([["序号", "姓名", "身份证号", "属期", "发放金额(元)"], *numbered]),
        "header-in-ten-thousand-yuan.csv": under("姓名", "身份证号", "属期", "发放金额(万元)"),
        "header-with-a-note.csv": under("姓名（必填）", "身份证号(18位)", "属期", "发放金额【单位：元】"),
        "header-two-telephones.csv": csv_bytes(
            [[*roster()[0], "电话", "手机号"], *([*row, "0451", "139"] for row in rows)]
        ),
        "header-missing.csv": csv_bytes(rows),
        "header-of-one-column.csv": under("姓名", "甲", "乙", "丙"),
        "column-missing.csv": csv_bytes([[*row[:2], *row[3:]] for row in roster()]),
        "two-columns-missing.csv": csv_bytes([row[:2] for row in roster()]),
        "column-doubled.csv": csv_bytes([[*row, row[3]] for row in roster()]),
        "column-doubled-by-alias.csv": csv_bytes([["身份证号码", *roster()[0]], *([row[1], *row] for row in rows)]),
        "column-unknown.csv": csv_bytes([[*roster()[0], "民族"], *([*row, "汉族"] for row in rows)]),
    }


def _totals() -> dict[str, bytes]:
    good = roster()
    spoiled_amount = spoiled(AMOUNT, "五百二")
    return {
        "total-right.csv": csv_bytes([*good, ["合计", "", "", "6240.00"]]),
        "total-with-thousands.csv": csv_bytes([*good, ["合 计", "", "", "6,240.00元"]]),
        "total-wrong-by-a-fen.csv": csv_bytes([*good, ["合计", "", "", "6240.01"]]),
        "total-unreadable.csv": csv_bytes([*good, ["总计", "", "", "见附件"]]),
        "total-over-an-unreadable-amount.csv": csv_bytes([*spoiled_amount, ["合计", "", "", "6240.00"]]),
        "total-and-signatures-below.csv": csv_bytes(
            [*good, ["合计", "", "", "6240.00"], ["", "", "", ""], ["经办人：", "", "审核人：", ""]]
        ),
        "subtotals-between.csv": csv_bytes(
            [
                *good[:7],
                ["小计", "", "", "3120.00"],
                *good[7:],
                ["小 计", "", "", "3120.00"],
                ["合计", "", "", "6240.00"],
            ]
        ),
        "totals-of-pages-and-villages.csv": csv_bytes(
            [
                *good[:7],
                ["本页小计", "", "", "3120.00"],
                *good[7:],
                ["五星村小计", "6人", "", "3120.00"],
                ["合计", "12人", "", "6240.00"],
            ]
        ),
        "totals-of-villages-alone.csv": csv_bytes(
            [*good[:7], ["甲村合计", "", "", "3120.00"], *good[7:], ["乙村合计", "", "", "3120.00"]]
        ),
        "total-wrong-above-the-last-person.csv": csv_bytes([*good[:12], ["合计", "", "", "9999.00"], good[12]]),
        "group-that-reads-like-a-total.csv": csv_bytes(
            [
                [*good[0], "组"],
                *([*row, "合计组"] for row in good[1:4]),
                ["张三", "", "2023-06", "520.00", "合计组"],
                *([*row, "合计组"] for row in good[4:]),
            ]
        ),
        "total-above-a-row-without-an-id.csv": csv_bytes(
            [*good, ["合计", "", "", "9999.00"], ["大写：陆仟", "", "", "6240.00"]]
        ),
        "total-in-the-id-column.csv": csv_bytes([*good, ["", "合计", "", "6240.00"]]),
        "amount-torn-at-its-comma-with-its-sign.csv": csv_text(spoiled(AMOUNT, "@", columns=(*PLAIN, Column.REMARK)))
        .replace("@,", "¥1,234.00元")
        .encode("utf-8-sig"),
        "amount-torn-at-its-comma.csv": csv_text(spoiled(AMOUNT, "@", columns=(*PLAIN, Column.REMARK)))
        .replace("@,", "1,234.00")
        .encode("utf-8-sig"),
        "total-is-somebodys-name.csv": csv_bytes(spoiled(NAME, "合计")),
        "total-of-blank-lines.csv": csv_bytes([*good, ["", "", "", ""], ["合计", "", "", "6240.00"]]),
    }


def _no_rosters() -> dict[str, bytes]:
    good = csv_bytes(roster())
    cut = good[: good.rindex(PEOPLE[11].id_number.encode()) + 10]
    return {
        "empty.csv": b"",
        "blanks-only.csv": "\ufeff \r\n\t\r\n".encode(),
        "header-only.csv": csv_bytes(roster(count=0)),
        "header-and-blank-lines.csv": csv_bytes([*roster(count=0), ["", "", "", ""], [" ", "", "", ""]]),
        "total-only.csv": csv_bytes([*roster(count=0), ["合计", "", "", "0.00"]]),
        "upload-cut-short.csv": cut,
        "pdf.xlsx": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n",
        "web-page.xls": (
            "<html><head><meta charset='utf-8'></head><body><table>"
            + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in roster())
            + "</table></body></html>"
        ).encode(),
        "picture.csv": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0",
    }
