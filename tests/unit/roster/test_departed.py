"""Lists of the deceased and of those who moved away: read however they were written, and held against a roster."""

import datetime
import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from tests.unit.roster.conftest import csv_of
from tests.unit.roster.office import xls, xlsx
from yikatong import identity
from yikatong.departures import Departure
from yikatong.errors import Refusal
from yikatong.plan.model import Frequency
from yikatong.roster.departed import DEPARTED, FAULTS, MAX_LIST_BYTES, departed_hits, read_list
from yikatong.roster.findings import RULES, Level
from yikatong.roster.people import Person

JUNE_10 = date(2023, 6, 10)
HEADER = ("姓名", "身份证号", "死亡日期")


def workbook(rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for index, row in enumerate([header, *rows]):
            for place, cell in enumerate(row):
                if isinstance(cell, datetime.date):
                    sheet.write_datetime(index, place, datetime.datetime.combine(cell, datetime.time()), day)
                else:
                    sheet.write(index, place, cell)
    return buffer.getvalue()


def taken(data: bytes) -> dict[str, date | None]:
    return dict(read_list(data, JUNE_10).frame.select("id_number", "on").iter_rows())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_list_is_read_in_every_encoding(people: list[Person], encoding: str, separator: str) -> None:
    lines = [HEADER, (people[0].name, people[0].id_number, "2023-05-12"), (people[1].name, people[1].id_number, "")]
    data = "\r\n".join(separator.join(line) for line in lines).encode(encoding)
    assert taken(data) == {people[0].id_number: date(2023, 5, 12), people[1].id_number: None}


@pytest.mark.parametrize(
    "written",
    ["2023-05-02", "2023/5/2", "2023.5.2", "20230502", "2023年5月2日", "２０２３-05-02", "2023-05-02 08:30:00"],
)
def test_a_date_is_read_however_it_was_written(people: list[Person], written: str) -> None:
    data = csv_of([(people[0].name, people[0].id_number, written)], HEADER)
    assert taken(data) == {people[0].id_number: date(2023, 5, 2)}


@pytest.mark.parametrize("cell", [date(2023, 5, 2), 20230502, "2023年5月2日"])
def test_a_workbook_is_read_with_its_dates(people: list[Person], cell: Any) -> None:
    assert taken(workbook([(people[0].name, people[0].id_number, cell)])) == {people[0].id_number: date(2023, 5, 2)}


@pytest.mark.parametrize("cell", [date(2023, 5, 1), "2023-05", "2023-5", "2023.05", "2023/05", "2023年5月", "2023年05"])
def test_a_month_is_no_day(people: list[Person], cell: Any) -> None:
    found = read_list(workbook([(people[0].name, people[0].id_number, cell)]), JUNE_10)
    assert found.frame["on"].to_list() == [None]
    assert found.faults.is_empty()


def test_the_first_of_a_month_kept_as_text_is_a_day(people: list[Person]) -> None:
    assert taken(workbook([(people[0].name, people[0].id_number, "2023-05-01")])) == {
        people[0].id_number: date(2023, 5, 1)
    }


def test_an_old_workbook_is_read_as_well(people: list[Person]) -> None:
    rows = [(people[0].name, people[0].id_number, "2023-05-02"), ("乙", 230102199001011234, "")]
    found = read_list(xls([HEADER, *rows]), JUNE_10)
    assert found.frame.rows() == [(people[0].id_number, people[0].name, date(2023, 5, 2))]
    assert found.faults.rows() == [(3, "departed_id_numeric")]


def test_rows_are_counted_as_the_clerk_sees_them_however_long_the_list(people: list[Person]) -> None:
    good = [(person.name, person.id_number, "") for person in people]
    long = [*good * (40_000 // len(good)), ("甲", "1", "")]
    found = read_list(csv_of(long, HEADER), JUNE_10)
    assert found.frame.height == len(people)
    assert found.faults.rows() == [(len(long) + 1, "departed_id_wrong")]


@pytest.mark.parametrize("written", [
        "去年", "2023-02-30", "2023-06-11", "45048", "202305", "2023112", "202305021", "2023-0502", "202305-02",
        "2023-13", "2023-07", "23-05-02",
    ],
)  # fmt: skip
def test_a_date_that_is_none_counts_as_unknown_and_is_said(people: list[Person], written: str) -> None:
    found = read_list(csv_of([(people[0].name, people[0].id_number, written)], HEADER), JUNE_10)
    assert found.frame["on"].to_list() == [None]
    assert found.faults.rows() == [(2, "departed_date_unreadable")]


def test_who_cannot_be_told_is_left_out_with_the_row(people: list[Person]) -> None:
    good = people[0].id_number
    rows = [("甲", good, ""), ("乙", good[:17], ""), ("", "", ""), ("丙", 230102199001011234, "")]
    found = read_list(workbook(rows), JUNE_10)
    assert found.frame["id_number"].to_list() == [good]
    assert found.faults.rows() == [(3, "departed_id_wrong"), (5, "departed_id_numeric")]
    assert set(found.faults["code"]) < FAULTS.keys()


def test_titles_above_the_header_and_other_columns_do_no_harm(people: list[Person]) -> None:
    data = csv_of(
        [(*HEADER[:2], "原因", "去世日期"), (people[0].name, people[0].id_number, "病", "2023-05-02")], ("名单",)
    )
    assert taken(data) == {people[0].id_number: date(2023, 5, 2)}


@pytest.mark.parametrize("closing", ['"乙,{},"y\n', '"乙,{},\n', '乙,{},"\n', '乙,{},"y\n'])
def test_nobody_vanishes_between_two_quotes_too_many(people: list[Person], closing: str) -> None:
    """What stands between them would be one cell, and the people in it on no list."""
    one, two, three, four = (person.id_number for person in people[:4])
    text = f'姓名,身份证号,备注\n甲,{four},\n甲,{one},"x\n丙,{two},\n' + closing.format(three)
    with pytest.raises(Refusal, match="第3行") as refused:
        read_list(text.encode(), JUNE_10)
    assert two not in refused.value.message


def test_a_remark_may_have_several_lines_and_quotes_of_its_own(people: list[Person]) -> None:
    one, two = (person.id_number for person in people[:2])
    text = f'姓名,身份证号,备注\n甲,{one},"因病\n""家属""已报"\n乙,{two},称"老乙"\n'
    assert taken(text.encode()).keys() == {one, two}
    remark = f"原号码\n{people[2].id_number}"
    rows = [("甲", one, "", remark), ("乙", two, "", "")]
    assert taken(workbook(rows, (*HEADER, "备注"))).keys() == {one, two}


def test_who_is_listed_under_two_names_has_none(people: list[Person]) -> None:
    one, two, three = people[:3]
    rows = [(one.name, one.id_number, ""), ("另一人", one.id_number, ""), (f" {two.name} ", two.id_number, "")]
    found = read_list(csv_of([*rows, (two.name, two.id_number, ""), ("", three.id_number, "")], HEADER), JUNE_10)
    names = dict(found.frame.select("id_number", "name").iter_rows())
    assert names == {one.id_number: None, two.id_number: two.name, three.id_number: None}


@pytest.mark.parametrize("other", ["", "2023-05", "五月"])
def test_who_is_listed_with_a_day_and_without_may_have_departed_later(people: list[Person], other: str) -> None:
    rows = [(people[0].name, people[0].id_number, day) for day in ("2023-01-02", other)]
    assert taken(csv_of(rows, HEADER)) == {people[0].id_number: None}


def test_who_is_listed_twice_departed_on_the_later_day(people: list[Person]) -> None:
    rows = [(people[0].name, people[0].id_number, day) for day in ("2023-05-02", "2023-05-12")]
    assert taken(csv_of(rows, HEADER)) == {people[0].id_number: date(2023, 5, 12)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "空的"),
        ("姓名,日期\n".encode(), "身份证号"),
        ("身份证号,日期\n".encode(), "姓名"),
        ("姓名,身份证号,身份证号码\n".encode(), "只保留一列"),
        ("姓名,身份证号,日期,死亡日期\n".encode(), "不止一个"),
        ('姓名,身份证号\n"张三,1\n'.encode(), "第2行"),
        (b"PK\x03\x04 cut off", "压缩目录"),
        ("姓名,身份证号\n张三,".encode() + b"\xff\n", "第2行有无法识别的文字编码"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "损坏"),
        (xlsx([HEADER, ("甲", "1", "")], sheets=("一", "二")), "只保留一张"),
        (b"\0" * (MAX_LIST_BYTES + 1), "MB"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        read_list(data, JUNE_10)


# --- held against a roster ----------------------------------------------------------------------------------------------


def rows_for(
    people: Sequence[Person],
    slot: str | None = "2023-06",
    payees: Sequence[Person] = (),
    heads: Sequence[Person] = (),
) -> pl.DataFrame:
    ids = pl.Series([person.id_number for person in people])
    return pl.DataFrame(
        {
            "at": pl.Series(range(len(people)), dtype=pl.UInt32),
            "slot": pl.Series([slot] * len(people), dtype=pl.String),
            "beneficiary_name": [person.name for person in people],
            "beneficiary_number": identity.numbers_of(ids),
            "key_number": identity.numbers_of(pl.Series([person.id_number for person in heads or people])),
            "payee_number": identity.numbers_of(pl.Series([person.id_number for person in payees or people])),
        }
    )


def lists(*entries: tuple[Person, Departure, date | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(person.id_number, person.name, kind.value, on) for person, kind, on in entries], schema=DEPARTED, orient="row"
    )


def said(rows: pl.DataFrame, departed: pl.DataFrame | None, frequency: Frequency = Frequency.MONTHLY) -> dict[str, str]:
    """Per code the positions, and the first message."""
    found = {}
    for hit in departed_hits(rows, departed, frequency):
        assert callable(hit.details)
        found[hit.code] = f"{hit.at.to_list()} {RULES[hit.code].message(**hit.details(0))}"
    return found


def test_without_a_list_nothing_is_said(people: list[Person]) -> None:
    assert departed_hits(rows_for(people), None, Frequency.MONTHLY) == []
    assert departed_hits(rows_for(people), pl.DataFrame(schema=DEPARTED), Frequency.MONTHLY) == []


def test_who_died_before_the_slot_is_left_out_and_who_died_in_it_is_for_the_approver(people: list[Person]) -> None:
    departed = lists(
        (people[0], Departure.DECEASED, date(2023, 5, 31)),
        (people[1], Departure.DECEASED, date(2023, 6, 1)),
        (people[2], Departure.DECEASED, None),
    )
    found = said(rows_for(people[:5]), departed)
    assert found["deceased_before_slot"].startswith("[0] 本人已列入去世名单（2023-05-31）")
    assert found["deceased"].startswith("[1, 2] 本人已列入去世名单（2023-06-01）")
    assert found.keys() == {"deceased_before_slot", "deceased"}


def test_a_slot_begins_as_its_frequency_says(people: list[Person]) -> None:
    departed = lists((people[0], Departure.DECEASED, date(2023, 5, 31)))
    assert said(rows_for(people[:1], "2023Q2"), departed, Frequency.QUARTERLY).keys() == {"deceased"}
    assert said(rows_for(people[:1], "2023H2"), departed, Frequency.HALF_YEARLY).keys() == {"deceased_before_slot"}
    assert said(rows_for(people[:1], "2023#FLOOD"), departed, Frequency.PER_OCCASION).keys() == {"deceased"}
    assert said(rows_for(people[:1], None), departed).keys() == {"deceased"}


def test_who_moved_away_is_for_the_approver(people: list[Person]) -> None:
    found = said(rows_for(people[:2]), lists((people[1], Departure.MOVED, None)))
    assert found == {"moved_away": f"[1] {RULES['moved_away'].message(on='日期不详')}"}


def test_a_payee_who_died_collects_for_nobody_unseen(people: list[Person]) -> None:
    rows = rows_for(people[:2], payees=[people[9], people[1]])
    found = said(rows, lists((people[9], Departure.DECEASED, date(2023, 1, 1)), (people[1], Departure.MOVED, None)))
    assert found.keys() == {"payee_deceased", "moved_away"}
    assert found["payee_deceased"].startswith("[0] ")


@pytest.mark.parametrize("day", [date(2023, 1, 1), date(2023, 6, 5), None])
@pytest.mark.parametrize("name", ["王某某", None])
def test_a_list_that_names_somebody_else_leaves_nobody_out(
    people: list[Person], name: str | None, day: date | None
) -> None:
    departed = lists((people[0], Departure.DECEASED, day)).with_columns(name=pl.lit(name, dtype=pl.String))
    found = said(rows_for(people[:2]), departed)
    assert found.keys() == {"deceased_name_differs"}
    assert found["deceased_name_differs"].startswith("[0] ")
    assert RULES["deceased_name_differs"].level is Level.REVIEW


def test_one_list_with_the_right_name_is_enough(people: list[Person]) -> None:
    entry = (people[0], Departure.DECEASED, date(2023, 1, 1))
    other = lists(entry).with_columns(name=pl.lit("王某某"))
    assert said(rows_for(people[:1]), pl.concat([other, lists(entry)])).keys() == {"deceased_before_slot"}


def test_a_household_whose_head_died_is_for_the_approver(people: list[Person]) -> None:
    """The head neither lives on what is paid nor collects it, and yet it is granted in their name."""
    head, member, payee = people[:3]
    departed = lists((head, Departure.DECEASED, date(2023, 1, 1)))
    found = said(rows_for([member, member], heads=[head, member]), departed)
    assert found.keys() == {"head_deceased"}
    assert found["head_deceased"].startswith("[0] ")
    assert said(rows_for([member], payees=[payee], heads=[head]), departed).keys() == {"head_deceased"}
    assert said(rows_for([member], payees=[head], heads=[head]), departed).keys() == {"payee_deceased"}
    assert said(rows_for([head], heads=[head]), departed).keys() == {"deceased_before_slot"}
    assert RULES["head_deceased"].level is Level.REVIEW


def test_of_two_lists_the_later_day_counts(people: list[Person]) -> None:
    departed = lists(
        (people[0], Departure.DECEASED, date(2023, 5, 1)), (people[0], Departure.DECEASED, date(2023, 6, 2))
    )
    assert said(rows_for(people[:1]), departed).keys() == {"deceased"}


def test_a_list_without_the_day_may_mean_a_later_one(people: list[Person]) -> None:
    departed = lists((people[0], Departure.DECEASED, date(2023, 5, 1)), (people[0], Departure.DECEASED, None))
    assert said(rows_for(people[:1]), departed).keys() == {"deceased"}
