"""What the card registry's keepers send: a snapshot of everybody, or the changes of a day, as delimited text.

UTF-8, GB18030 or UTF-16, commas or tabs, a header of `cards.TITLES` in any order. A change file may have the
column 变动类型: 新增 and 变更 say what the holder's card is now, 移除 that there is none any more; without the column
every row says what is now.

A row that cannot be believed is left out and named, and its holder is then without a card, whatever other rows say: held,
never paid on a guess. In a change file that takes the card away which the registry knew, since all that is certain of it is
that it changed.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from yikatong import identity
from yikatong.cards import (
    ACCOUNT_PATTERN,
    CHINESE_STATES,
    PARTITION_DIGITS,
    SCHEMA,
    TITLES,
    CardState,
    empty_registry,
    partitions_of,
)
from yikatong.errors import Refusal
from yikatong.roster.encoding import encoding_of, require_utf8, to_utf8
from yikatong.roster.findings import Unreadable, unreadable
from yikatong.roster.names import ODD, normalise_name_expression

KIND = "变动类型"
_TOLD = ("新增", "变更")
_REMOVED = "移除"
_YES = ("启用", "已启用", "激活", "已激活", "是", "1")
_NO = ("未启用", "停用", "未激活", "否", "0")
_STATES = {title: str(state) for title, state in {**CHINESE_STATES, **{str(s): s for s in CardState}}.items()}
FAULTS = {
    "card_id_invalid": "身份证号不正确",
    "card_name_empty": "姓名是空的",
    "card_state_unknown": f"卡状态不是 {'、'.join(CHINESE_STATES)} 之一",
    "card_account_invalid": "社保卡账号不是10至30位数字",
    "card_flag_unknown": "社保账户或金融账户不是“启用/未启用”“已激活/未激活”",
    "card_change_unknown": f"{KIND}不是 {'、'.join((*_TOLD, _REMOVED))} 之一",
    "card_repeated": "同一身份证号有内容不同的多行",
}
_BLANKS = b"\0\t\r\n ,\xef\xbb\xbf"
_MAX_COLUMNS = 200
_HEAD_BYTES = 1 << 16
# An id number but for its check digit.
NUMBER_DIGITS = 17
_STRETCH_ROWS = 100_000
_TYPED: dict[str, pl.DataType] = {"row": pl.UInt32(), **SCHEMA}
_JUDGED: dict[str, pl.DataType] = {**_TYPED, "removed": pl.Boolean(), "fault": pl.String()}


@dataclass(frozen=True)
class CardFile:
    """The last word on every holder named, and `faults` (row as the sender's program shows it, code).

    `stretches` (SCHEMA) are ascending by number, each holder in one of them: whoever needs a partition gets it sorted, and
    the whole need never be sorted in one piece. A row without a name says that the holder has no card any more; only
    change files have those.
    """

    stretches: tuple[pl.DataFrame, ...]
    faults: pl.DataFrame

    @property
    def frame(self) -> pl.DataFrame:
        """Everybody, as a registry."""
        return pl.concat([empty_registry(), *self.stretches]).sort("number")

    @property
    def partitions(self) -> list[str]:
        return sorted({name for stretch in self.stretches for name in partitions_of(stretch["id_number"])})

    def part(self, partition: str) -> pl.DataFrame:
        """Whose id numbers lie in this partition, as a registry."""
        unit = 10 ** (NUMBER_DIGITS - PARTITION_DIGITS)
        bounds = pl.Series([int(partition) * unit, (int(partition) + 1) * unit])
        pieces = []
        for stretch in self.stretches:
            first, last = stretch["number"].search_sorted(bounds)
            pieces.append(stretch.slice(first, last - first))
        return pl.concat([empty_registry(), *pieces]).sort("number")


def read_cards(data: bytes, on: date, *, changes: bool = False) -> CardFile:
    """Read a snapshot or a change file. A file that cannot be read raises Refusal with the reason; bad rows are named.

    `on` is the day the file speaks of: nobody is born after it.
    """
    try:
        utf8 = _text(data)
        names, separator = _header(utf8)
        cells = partial(_cells, utf8, separator, len(names), _places(names, changes))
        try:
            read = _read(cells(), on)
        except _Unparsed:
            # A cell is not UTF-8, or a row is wider than the header: harmless when its extra cells are empty.
            require_utf8(utf8)
            _refuse_wide_rows(utf8, separator, len(names))
            read = _read(cells(truncate=True), on)
    except Unreadable as error:
        raise Refusal(f"社会保障卡数据{error.findings[0].message}", "bad_cards") from None
    except (csv.Error, _Unparsed):
        raise _refused("读不出来：请确认是 CSV，引号成对，每行的格数与表头相同") from None
    return _told(*read, changes)


class _Unparsed(Exception):
    """polars gave the text up, and says why in words that quote it."""


def _text(data: bytes) -> bytes:
    """The file as UTF-8 with line feeds."""
    if not data[:_HEAD_BYTES].strip(_BLANKS) and not data.strip(_BLANKS):
        raise _refused("文件是空的")
    utf8 = data if encoding_of(data) == "utf-8" else to_utf8(data)
    if b"\0" in utf8:
        raise _refused("含有空字节，不是文本文件；请另存为 CSV")
    return utf8 if b"\n" in utf8 else utf8.replace(b"\r", b"\n")


def _header(utf8: bytes) -> tuple[list[str], str]:
    """The names in the first record, and what separates them."""
    head = utf8[:_HEAD_BYTES].decode("utf-8", "ignore").removeprefix("\ufeff")
    line = head.partition("\n")[0]
    separator = "\t" if line.count("\t") > line.count(",") else ","
    first = next(csv.reader(io.StringIO(head, newline=""), delimiter=separator), [])
    if len(first) > _MAX_COLUMNS:
        raise _refused(f"超过{_MAX_COLUMNS}列")
    return ["".join(unicodedata.normalize("NFKC", cell).split()) for cell in first], separator


def _places(names: list[str], changes: bool) -> dict[str, str]:
    """Which column (`c0`, `c1` …) holds which title."""
    places: dict[str, str] = {}
    for place, name in enumerate(names):
        if name in (*TITLES.values(), KIND):
            if name in places:
                raise _refused(f"有两个“{name}”列")
            places[name] = f"c{place}"
    if missing := [title for title in TITLES.values() if title not in places]:
        raise _refused(f"第1行应当是表头，其中缺少“{'、'.join(missing)}”列")
    if KIND in places and not changes:
        raise _refused(f"有“{KIND}”列，是变动而不是整份的快照；请按变动报送")
    return places


def _cells(utf8: bytes, separator: str, width: int, places: dict[str, str], *, truncate: bool = False) -> pl.LazyFrame:
    """The known columns as text, `kind` (null in a snapshot) and `row`; read stretch by stretch once it is collected."""
    lines = pl.scan_csv(
        utf8,
        has_header=False,
        skip_rows=1,
        separator=separator,
        schema={f"c{place}": pl.String() for place in range(width)},
        infer_schema=False,
        missing_columns="insert",
        row_index_name="row",
        row_index_offset=2,
        truncate_ragged_lines=truncate,
        extra_columns="ignore" if truncate else "raise",
    )
    kind = pl.col(places[KIND]) if KIND in places else pl.lit(None, dtype=pl.String)
    return lines.select("row", *(pl.col(places[title]).alias(name) for name, title in TITLES.items()), kind=kind)


def _refuse_wide_rows(utf8: bytes, separator: str, width: int) -> None:
    """Raise Unreadable with the first row that has something beyond the header's last column."""
    with io.TextIOWrapper(io.BytesIO(utf8), encoding="utf-8", newline="") as text:
        for number, record in enumerate(csv.reader(text, delimiter=separator), start=1):
            if any(cell.strip() for cell in record[width:]):
                raise unreadable("row_ragged", line=number)


def _read(cells: pl.LazyFrame, on: date) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Rows that are in order as they stand (`_TYPED`, in stretches), and the others judged in full.

    Nine rows in ten are plain: one look tells that no normalisation would change them and nothing is wrong with them.
    """
    whole = identity.whole_expression(pl.col("id_number"))
    plain = (
        identity.right_whole_expression(whole, on)
        & ~pl.col("name").str.contains(ODD)
        & pl.col("account").str.contains(ACCOUNT_PATTERN)
        & pl.col("card_state").is_in(list(CHINESE_STATES))
        & pl.col("social_account").is_in(_YES + _NO)
        & pl.col("financial_account").is_in(_YES + _NO)
        & (pl.col("kind").is_null() | pl.col("kind").is_in(_TOLD))
    )
    in_order: list[pl.DataFrame] = []
    judged = [pl.DataFrame(schema=_JUDGED)]
    others: list[pl.DataFrame] = []
    for stretch in _stretches(cells.with_columns(plain=plain.fill_null(False))):
        flags = (pl.col(name).is_in(_YES) for name in ("social_account", "financial_account"))
        typed = stretch.lazy().filter("plain").with_columns(*_words(), *flags, number=whole // 10).select(*_TYPED)
        in_order.append(typed.sort("number").collect())
        others.append(stretch.filter(~pl.col("plain")).drop("plain"))
        # A judgement costs the same for a few as for many.
        if sum(other.height for other in others) >= _STRETCH_ROWS:
            judged.append(_judged(pl.concat(others), on))
            others.clear()
    if others:
        judged.append(_judged(pl.concat(others), on))
    return in_order, pl.concat(judged)


def _stretches(lines: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    try:
        yield from lines.collect_batches(chunk_size=_STRETCH_ROWS)
    except pl.exceptions.PolarsError:
        raise _Unparsed from None


def _words() -> list[pl.Expr]:
    state = pl.col("card_state").str.strip_chars()
    known = list(_STATES), list(_STATES.values())
    return [
        pl.col("service_bank").str.strip_chars().replace("", None),
        state.replace_strict(*known, default=None, return_dtype=pl.String()),
    ]


def _flag(name: str) -> pl.Expr:
    """True, False, or null for a word that is neither."""
    word = pl.col(name).str.strip_chars()
    return pl.when(word.is_in(_YES)).then(True).when(word.is_in(_NO)).then(False).alias(name)


def _judged(cells: pl.DataFrame, on: date) -> pl.DataFrame:
    """Every row typed, with `removed` and its first `fault`; rows in which nothing is written are not there."""
    written = pl.any_horizontal(pl.exclude("row").str.strip_chars().fill_null("") != "")
    typed = cells.filter(written).with_columns(
        *_words(),
        _flag("social_account"),
        _flag("financial_account"),
        identity.normalise_expression(pl.col("id_number")).alias("id_number"),
        normalise_name_expression(pl.col("name")).alias("name"),
        pl.col("account").str.strip_chars().replace("", None),
        pl.col("kind").str.strip_chars().replace("", None),
    )
    number = identity.number_expression(pl.col("id_number"))
    no_card = pl.col("card_state") == CardState.NONE
    removed = (pl.col("kind") == _REMOVED).fill_null(False)
    flags_known = pl.col("social_account").is_not_null() & pl.col("financial_account").is_not_null()
    account_known = pl.col("account").str.contains(ACCOUNT_PATTERN).fill_null(False)
    fault = (
        pl.when(identity.fault_expression(pl.col("id_number"), number, on) != 0)
        .then(pl.lit("card_id_invalid"))
        .when(~removed & pl.col("kind").is_not_null() & ~pl.col("kind").is_in(_TOLD))
        .then(pl.lit("card_change_unknown"))
        .when(~removed & pl.col("name").is_null())
        .then(pl.lit("card_name_empty"))
        .when(~removed & pl.col("card_state").is_null())
        .then(pl.lit("card_state_unknown"))
        .when(~removed & ~no_card & ~account_known)
        .then(pl.lit("card_account_invalid"))
        .when(~removed & ~no_card & ~flags_known)
        .then(pl.lit("card_flag_unknown"))
    )
    return typed.with_columns(removed=removed, fault=fault, number=number).select(*_JUDGED)


def _told(in_order: list[pl.DataFrame], judged: pl.DataFrame, changes: bool) -> CardFile:
    """One row per holder. Of a holder with different rows nothing is known but that."""
    faults = judged.filter(pl.col("fault").is_not_null()).select("row", code="fault")
    told = _without_card(judged.filter(pl.col("fault").ne_missing("card_id_invalid")))
    stretches = [*in_order, told.select(*_TYPED).sort("number")]
    again = _repeated([stretch["number"] for stretch in stretches])
    if not again.is_empty():
        is_again = pl.col("number").is_in(again.implode())
        repeated = pl.concat([stretch.filter(is_again) for stretch in stretches]).sort("row")
        # The same row twice is one card; two different rows for one holder are nobody's word on where to pay.
        distinct = repeated.unique(subset=list(TITLES), keep="first", maintain_order=True)
        torn = pl.col("number").is_duplicated()
        nobodys = distinct.filter(torn)
        named = nobodys.join(faults, on="row", how="anti").select("row", code=pl.lit("card_repeated"))
        faults = pl.concat([faults, named])
        settled = [distinct.filter(~torn)]
        if changes:
            lost = nobodys.unique("number", keep="first").with_columns(removed=True, fault=pl.lit("card_repeated"))
            settled.append(_without_card(lost).select(*_TYPED))
        stretches = [*(stretch.filter(~is_again) for stretch in stretches), pl.concat(settled).sort("number")]
    if not changes:
        # Whom a snapshot does not name has no card.
        stretches = [stretch.drop_nulls("name") if stretch["name"].null_count() else stretch for stretch in stretches]
    return CardFile(tuple(stretch.select(*SCHEMA) for stretch in stretches), faults.sort("row").cast({"row": pl.Int32}))


def _repeated(numbers: list[pl.Series]) -> pl.Series:
    ascending = pl.concat(numbers).sort()
    return ascending.filter(ascending == ascending.shift(1)).unique()


def _without_card(rows: pl.DataFrame) -> pl.DataFrame:
    """Of those removed or at fault nothing stays but that they have no card."""
    gone = pl.col("removed") | pl.col("fault").is_not_null()
    kept = [name for name in TITLES if name not in ("id_number", "card_state")]
    nothing = [pl.when(~gone).then(pl.col(name)).alias(name) for name in kept]
    state = pl.when(gone).then(pl.lit(str(CardState.NONE))).otherwise("card_state").alias("card_state")
    return rows.with_columns(*nothing, state)


def _refused(what: str) -> Refusal:
    return Refusal(f"社会保障卡数据{what}", "bad_cards")
