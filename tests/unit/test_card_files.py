"""Card files as their keepers send them: read whole, every row that cannot be believed named, no holder paid on a guess."""

import csv
import io
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yikatong import card_files
from yikatong.card_files import KIND, CardFile, read_cards
from yikatong.cards import SCHEMA, TITLES, CardState, partitions_of
from yikatong.errors import Refusal
from yikatong.roster.people import RARE, Person, invent_people
from yikatong.roster.sample import cards_csv

ON = date(2023, 6, 10)
PEOPLE = invent_people(40, region="230102", seed=1, on=ON)
ID, OTHER, THIRD = (person.id_number for person in PEOPLE[:3])
CARD, OWN = "6231000000000000001", "6217000000000000002"
HEADER = ",".join(TITLES.values())


def lines(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def changes(*rows: str) -> CardFile:
    return read_cards(lines(*rows, header=f"{KIND},{HEADER}"), ON, changes=True)


def states(file: CardFile) -> dict[str, tuple[str | None, str]]:
    return {row["id_number"]: (row["name"], row["card_state"]) for row in file.frame.iter_rows(named=True)}


def test_a_snapshot_is_typed_ascending_and_given_out_by_city() -> None:
    people = [*PEOPLE[:20], *invent_people(20, region="231202", seed=3, on=ON)]
    file = read_cards(cards_csv(people), ON)
    assert file.faults.is_empty()
    assert file.frame.schema == SCHEMA
    assert file.frame["number"].to_list() == sorted(int(person.id_number[:17]) for person in people)
    assert file.partitions == partitions_of(person.id_number for person in people)
    parts = {name: file.part(name) for name in file.partitions}
    assert all(part["id_number"].str.starts_with(city).all() for city, part in parts.items())
    assert pl.concat(parts.values()).equals(file.frame)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_whatever_program_wrote_it_the_people_are_the_same(encoding: str, separator: str, newline: str) -> None:
    holders = [*PEOPLE[:5], Person(f"欧阳{RARE}", THIRD, CARD, "龙江银行, 道里支行")]
    written = io.StringIO(newline="")
    rows = [list(TITLES.values()), *(person.card_cells() for person in holders)]
    csv.writer(written, delimiter=separator, lineterminator=newline).writerows(rows)
    file = read_cards(written.getvalue().encode(encoding), ON)
    assert file.frame.filter(pl.col("id_number") == THIRD).is_empty(), "two different rows"
    assert [code for _, code in file.faults.rows()] == ["card_repeated"] * 2
    assert file.frame.drop("number").rows() == sorted(
        ((p.id_number, p.name, p.account, p.service_bank, "normal", True, True) for p in (*PEOPLE[:2], *PEOPLE[3:5])),
        key=lambda row: row[0],
    )


def test_a_name_with_rare_characters_is_kept_as_it_is() -> None:
    row = f"欧阳{RARE},{ID},{CARD},龙江银行,正常,启用,已激活"
    assert read_cards(lines(row).decode().encode("gb18030"), ON).frame["name"].to_list() == [f"欧阳{RARE}"]


def test_what_is_written_otherwise_but_means_the_same_is_normalised() -> None:
    old = invent_people(200, region="230102", seed=4, on=ON)
    person = next(one for one in old if one.id_number[6:8] == "19" and one.id_number.endswith("X"))
    fifteen = person.id_number[:6] + person.id_number[8:17]
    rows = [
        f" 张 三 ,{person.id_number.lower()},{CARD} , 龙江银行 ,口头挂失,是,0",
        f"张三,{fifteen},{CARD},龙江银行,lost,1,否",
    ]
    file = read_cards(lines(*rows), ON)
    assert file.faults.is_empty()
    number = int(person.id_number[:17])
    assert file.frame.rows() == [(person.id_number, "张三", CARD, "龙江银行", "lost", True, False, number)]


@pytest.mark.parametrize("name", [" 张 三", "张　三", "张\u00a0三"])
def test_a_name_with_blanks_is_the_name_without(name: str) -> None:
    """An id that ends in a digit and a row otherwise in order are no reason not to look at the name."""
    holder = next(person for person in PEOPLE if person.id_number[-1] != "X")
    file = read_cards(lines(f"{name},{holder.id_number},{CARD},龙江银行,正常,启用,已激活"), ON)
    assert file.frame["name"].to_list() == ["张三"]


def test_a_snapshots_bad_rows_are_named_and_their_holders_left_without_a_card() -> None:
    good = f"张三,{ID},{CARD},龙江银行,口头挂失,启用,未激活"
    bad = [person.id_number for person in PEOPLE[4:8]]
    rows = [
        good,
        good,
        f"李四,{OTHER},{CARD},龙江银行,正常,启用,已激活",
        f"李四,{OTHER},{OWN},龙江银行,正常,启用,已激活",
        f"王五,{ID[:-2]},{CARD},龙江银行,正常,启用,已激活",
        f"王五,{bad[0]},{CARD},龙江银行,好的,启用,已激活",
        f"王五,{bad[1]},12,龙江银行,正常,启用,已激活",
        f"王五,{bad[2]},{CARD},龙江银行,正常,也许,已激活",
        f" ,{bad[3]},{CARD},龙江银行,正常,启用,已激活",
        "",
        ",,,,,,",
        f"王五,{THIRD},{CARD}",
        f"赵六,{PEOPLE[3].id_number},,,无卡,,",
    ]
    file = read_cards(lines(*rows).decode().encode("gb18030"), ON)
    assert file.frame.drop("number").rows() == sorted(
        [
            (ID, "张三", CARD, "龙江银行", "lost", True, False),
            (PEOPLE[3].id_number, "赵六", None, None, "none", None, None),
        ]
    )
    assert file.faults.rows() == [
        (4, "card_repeated"),
        (5, "card_repeated"),
        (6, "card_id_invalid"),
        (7, "card_state_unknown"),
        (8, "card_account_invalid"),
        (9, "card_flag_unknown"),
        (10, "card_name_empty"),
        (13, "card_state_unknown"),
    ]
    assert {code for _, code in file.faults.rows()} < card_files.FAULTS.keys()


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("good_first", [False, True])
@pytest.mark.parametrize(
    ("rest", "code"),
    [
        (f"张三,{ID},{CARD},龙江银行,挂失中,启用,已激活", "card_state_unknown"),
        (f"张三,{ID},12,龙江银行,正常,启用,已激活", "card_account_invalid"),
        (f"张三,{ID},{CARD},龙江银行,正常,启用,?", "card_flag_unknown"),
        (f",{ID},{CARD},龙江银行,正常,启用,已激活", "card_name_empty"),
    ],
)
def test_a_second_row_that_cannot_be_believed_takes_its_holder_out(
    rest: str, code: str, good_first: bool, changed: bool
) -> None:
    """Perhaps it is the one that says the card is lost."""
    rows = [(f"张三,{ID},{CARD},龙江银行,正常,启用,已激活", "card_repeated"), (rest, code)]
    rows = rows if good_first else rows[::-1]
    other = f"李四,{OTHER},{CARD},龙江银行,正常,启用,已激活"
    file = read_cards(lines(*(row for row, _ in rows), other), ON, changes=changed)
    assert states(file) == {OTHER: ("李四", "normal")} | ({ID: (None, "none")} if changed else {})
    assert file.faults.rows() == [(2, rows[0][1]), (3, rows[1][1])]


def test_changes_say_what_is_now_and_who_has_no_card_any_more() -> None:
    file = changes(
        f"新增,张三,{ID},{CARD},龙江银行,正常,启用,已激活",
        f"变更,李四,{OTHER},{CARD},龙江银行,挂失,启用,已激活",
        f"移除,王五,{THIRD},,,,,",
    )
    assert file.faults.is_empty()
    assert states(file) == {ID: ("张三", "normal"), OTHER: ("李四", "lost"), THIRD: (None, "none")}
    assert file.frame.filter(pl.col("id_number") == THIRD)["account"].to_list() == [None]


def test_without_the_column_every_row_of_changes_says_what_is_now() -> None:
    file = read_cards(lines(f"张三,{ID},{CARD},龙江银行,冻结,启用,已激活"), ON, changes=True)
    assert states(file) == {ID: ("张三", "frozen")}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (["变更,张三,{id},{card},龙江银行,不明,启用,已激活"], "card_state_unknown"),
        (["调整,张三,{id},{card},龙江银行,正常,启用,已激活"], "card_change_unknown"),
        (["变更,张三,{id},{card},龙江银行,正常,启用,已激活", "移除,张三,{id},,,,,"], "card_repeated"),
        (
            ["变更,张三,{id},{card},龙江银行,正常,启用,已激活", "变更,张三,{id},{card},龙江银行,挂失,启用,已激活"],
            "card_repeated",
        ),
    ],
)
def test_a_change_that_cannot_be_believed_takes_the_card_away_until_it_is_cleared_up(
    rows: list[str], code: str
) -> None:
    """What stood before is what the row says is no longer so: to go on paying by it would be a guess."""
    file = changes(*(row.format(id=ID, card=CARD) for row in rows))
    assert states(file) == {ID: (None, "none")}
    assert file.faults.rows() == [(2 + index, code) for index in range(len(rows))]


def test_a_change_of_nobody_known_changes_nobody() -> None:
    file = changes(f"变更,张三,{ID[:-1]}?,{CARD},龙江银行,正常,启用,已激活")
    assert states(file) == {}
    assert file.faults.rows() == [(2, "card_id_invalid")]


def test_changes_sent_as_a_snapshot_do_not_replace_the_province() -> None:
    with pytest.raises(Refusal, match="按变动报送"):
        read_cards(lines(header=f"{KIND},{HEADER}"), ON)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "空的"),
        (b"\xef\xbb\xbf\r\n \r\n", "空的"),
        (lines(f"张三,{ID},{CARD}\0,龙江银行,正常,启用,已激活"), "空字节"),
        (lines("张三,1,2,3,4,5,6", f"李四,{ID},{CARD},龙江银行,正常,启用,已激活,多出的"), "第3行的格数"),
        (lines(f"张三,{ID},{CARD},龙江银行,正常,启用,已激活") + "\n王".encode() + b"\xff\xff,", "第3行"),
        (HEADER.encode("gb18030") + b"\n\xff\xff,1", "第2行"),
        (b"a,b\n1,2\n", "第1行应当是表头.*身份证号"),
        (f"张三,{ID},{CARD},龙江银行,正常,启用,已激活\n".encode(), "第1行应当是表头"),
        (lines(header=f"{HEADER},姓名"), "有两个“姓名”列"),
        (lines(header="姓名,身份证号,社保卡账号,服务银行,社保账户,金融账户"), "卡状态"),
        (lines(header=",".join("x" * 1000)), "200列"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "表头|编码"),
        (b"PK\x03\x04" + bytes(100), "空字节"),
        (lines(f'张三,"{ID},{CARD},龙江银行,正常,启用,已激活', "李四,1"), "读不出来"),
        (b'"' + b"a" * 3_000_000, "表头|读不出来"),
    ],
)
def test_a_file_that_is_no_card_file_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as refused:
        read_cards(data, ON)
    assert ID not in refused.value.message


def test_an_empty_cell_too_many_at_a_rows_end_is_no_fault() -> None:
    file = read_cards(lines(f"张三,{ID},{CARD},龙江银行,正常,启用,已激活,", "李四"), ON)
    assert states(file) == {ID: ("张三", "normal")}
    assert file.faults.rows() == [(3, "card_id_invalid")]


def test_nobody_is_born_after_the_day_a_file_speaks_of() -> None:
    (child,) = invent_people(1, region="230102", seed=9, on=date(2023, 6, 10), youngest=0, eldest=1)
    row = f"张三,{child.id_number},{CARD},龙江银行,正常,启用,已激活"
    assert states(read_cards(lines(row), date(2023, 6, 10))) == {child.id_number: ("张三", "normal")}
    assert read_cards(lines(row), date(2021, 6, 1)).faults.rows() == [(2, "card_id_invalid")]


_CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [ID, ID.lower(), f" {OTHER}", CARD, "正常", "挂失", "无卡", "启用", "已激活", "移除", "", '"', "\0"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_CELLS, min_size=1, max_size=9), max_size=6), st.booleans(), st.booleans())
def test_whatever_the_rows_hold_a_file_is_read_or_refused_and_every_holder_stands_once(
    rows: list[list[str]], quoted: bool, as_changes: bool
) -> None:
    text = io.StringIO(newline="")
    if quoted:
        csv.writer(text).writerows(rows)
    else:
        text.write("\n".join(",".join(row) for row in rows))
    data = f"{HEADER}\n{text.getvalue()}".encode("utf-8", "surrogatepass")
    try:
        file = read_cards(data, ON, changes=as_changes)
    except Refusal:
        return
    assert file.frame["number"].is_unique().all()
    assert set(file.frame["card_state"]) <= set(CardState)
    named = file.frame.filter(pl.col("name").is_not_null())
    assert as_changes or named.height == file.frame.height
    paying = named.filter(pl.col("card_state") != "none")
    assert paying["account"].str.contains("^[0-9]{10,30}$").all()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_never_break_the_reader(data: bytes) -> None:
    with pytest.raises(Refusal):
        read_cards(data, ON)
