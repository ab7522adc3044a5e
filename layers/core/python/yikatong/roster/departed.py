"""Lists of the deceased and of those who moved away: read as tolerantly as a roster, and held against its people.

Needed are a name, an id number and, where it is known, a date (姓名, 身份证号, 日期). A row whose id number is wrong names nobody
and is left out with its reason; a date that cannot be read is as good as none, and said. A month alone is no day: a
spreadsheet makes its first day of it, so such a cell is a month as well. Only a known day, and a name that is the roster's,
leave somebody out of a slot; all else is for the approver.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from yikatong import identity
from yikatong.departures import Departure
from yikatong.errors import Refusal
from yikatong.plan import Slot
from yikatong.plan.model import Frequency
from yikatong.roster.columns import Column, Header
from yikatong.roster.findings import Unreadable, unreadable
from yikatong.roster.hits import Hit
from yikatong.roster.names import normalise_name_expression
from yikatong.roster.reading import read_table
from yikatong.roster.table import BrokenLines, Table

MAX_LIST_BYTES = 64 * 2**20
_MAX_LIST_ROWS = 500_000
# What lists say of departures, as `departed_hits` takes it; `on` is null where the list gives no day, `name` (in its one
# spelling) where it gives none, or several for one id number.
DEPARTED = {"id_number": pl.String, "name": pl.String, "kind": pl.String, "on": pl.Date}
_CELLS = {"row": pl.Int32, "numeric": pl.Boolean, "id_number": pl.String, "name": pl.String, "date": pl.String}
DATE_TITLES = (
    "日期",
    "死亡日期",
    "去世日期",
    "死亡时间",
    "去世时间",
    "迁出日期",
    "迁出时间",
    "注销日期",
    "户口注销日期",
)
FAULTS = {
    "departed_id_numeric": "身份证号单元格是数字格式，末几位已经丢失，没有采用",
    "departed_id_wrong": "身份证号不正确，没有采用",
    "departed_date_unreadable": "日期看不懂，或晚于报送的日子，按日期不详处理",
}
# Where a roster's words would mislead.
_OWN_WORDS = {
    "header_missing": "名单里没有找到“姓名”和“身份证号”列；应有姓名、身份证号、日期三列，列名写在同一行。",
    "sheets_ambiguous": "不止一张工作表像名单，请只保留一张。",
}
_EIGHT_DIGITS = r"^([0-9]{4})([0-9]{2})([0-9]{2})$"
_DATE = r"^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T][0-9:.]*)?$"
_MONTH_ALONE = r"^([0-9]{4}[-/.年][0-9]{1,2})月?$"
# Of several entries the later day counts, and an unknown one may be later than all: nobody is left out for a slot in which
# one entry may have them alive.
_LAST_DAY = pl.when(pl.col("on").null_count() == 0).then(pl.col("on").max())


@dataclass(frozen=True)
class DepartureList:
    """`frame` has `id_number`, `name` and `on` as DEPARTED does, one row per id number, sorted; `faults` (row Int32 as the
    clerk's program shows it, code)."""

    frame: pl.DataFrame
    faults: pl.DataFrame


def read_list(data: bytes, on: date) -> DepartureList:
    """Read a list supplied on that day, in any file a roster may come in. What cannot be read as a whole raises Refusal."""
    if len(data) > MAX_LIST_BYTES:
        raise Refusal(f"名单超过 {MAX_LIST_BYTES // 2**20} MB，请拆分后再报送。", "bad_list")
    try:
        return _typed(read_table(data, required=(Column.NAME, Column.ID)).read_by(_cells), on)
    except Unreadable as error:
        found = error.findings[0]
        raise Refusal(_OWN_WORDS.get(found.code, found.message), "bad_list") from None


def _cells(table: Table) -> pl.DataFrame:
    """The rows that have an id number, as _CELLS; `id_number` as written."""
    id_number = pl.col(f"c{table.header.places[Column.ID]}")
    place = _date_place(table.header)
    written = pl.lit(None, dtype=pl.String) if place is None else pl.col(f"c{place}")
    parts: list[pl.DataFrame] = []
    first, listed = table.first_row, 0
    for read in table.lines:
        try:
            lines = read()
        except BrokenLines as broken:
            raise unreadable(broken.code, line=first + broken.row) from None
        numeric = lines.numeric.get(Column.ID, pl.Series([], dtype=pl.Int32))
        part = lines.frame.filter(id_number.str.strip_chars() != "").select(
            pl.col("row") + first,
            # A spreadsheet keeps 15 digits of a number: whoever it was, the rest is guessed.
            numeric=pl.col("row").is_in(numeric.implode()),
            id_number=id_number,
            name=normalise_name_expression(pl.col(f"c{table.header.places[Column.NAME]}")),
            date=written.fill_null("").str.normalize("NFKC").str.strip_chars(),
        )
        parts.append(part)
        first, listed = first + lines.span, listed + part.height
        if listed > _MAX_LIST_ROWS:
            raise Refusal(f"名单超过 {_MAX_LIST_ROWS} 行，请核对。", "bad_list")
    return pl.concat(parts) if parts else pl.DataFrame(schema=_CELLS)


def _date_place(header: Header) -> int | None:
    titles = ["".join(unicodedata.normalize("NFKC", cell).split()) for cell in header.cells]
    dates = [place for place, title in enumerate(titles) if title in DATE_TITLES]
    if len(dates) > 1:
        raise Refusal("名单的日期列不止一个，请只保留一个。", "bad_list")
    return dates[0] if dates else None


def _typed(cells: pl.DataFrame, on: date) -> DepartureList:
    typed = cells.lazy().with_columns(identity.normalise_expression(pl.col("id_number")))
    typed = typed.filter(pl.col("id_number").is_not_null()).with_columns(on=_day_expression(pl.col("date"), on))
    # A month alone is no day, and no fault either.
    readable = _day_expression(pl.col("date").str.replace(_MONTH_ALONE, "${1}-1"), on).is_not_null()
    number = identity.number_expression(pl.col("id_number"))
    right = identity.right_expression(pl.col("id_number"), number, on)
    fault = (
        pl.when("numeric")
        .then(pl.lit("departed_id_numeric"))
        .when(~right)
        .then(pl.lit("departed_id_wrong"))
        .when(~readable & (pl.col("date") != ""))
        .then(pl.lit("departed_date_unreadable"))
    )
    judged = typed.with_columns(fault.alias("code")).collect()
    taken = judged.filter(pl.col("code").is_null() | (pl.col("code") == "departed_date_unreadable"))
    return DepartureList(
        # Somebody listed under two names has neither.
        taken.group_by("id_number")
        .agg(pl.when(pl.col("name").n_unique() == 1).then(pl.col("name").first()), _LAST_DAY)
        .sort("id_number"),
        judged.filter(pl.col("code").is_not_null()).select("row", "code").sort("row"),
    )


def _day_expression(text: pl.Expr, on: date) -> pl.Expr:
    """2023-05-12, 2023/5/12, 2023.5.12, 20230512, 2023年5月12日; null for anything else and for days after `on`."""
    whole = text.str.replace(_EIGHT_DIGITS, "${1}-${2}-${3}")
    year, month, day = (whole.str.extract(_DATE, group) for group in (1, 2, 3))
    written = pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")
    found = written.str.to_date("%Y-%m-%d", strict=False)
    return pl.when(found <= on).then(found)


def departed_hits(rows: pl.DataFrame, departed: pl.DataFrame | None, frequency: Frequency) -> list[Hit]:
    """Who on the roster is on a list: `deceased_before_slot`, `deceased_name_differs`, `deceased`, `payee_deceased`,
    `head_deceased`, `moved_away`.

    `departed` as DEPARTED, of one or several lists; `frequency` is how the rows' slots are written.
    """
    if departed is None or departed.is_empty():
        return []
    lists = departed.with_columns(identity.numbers_of(departed["id_number"]).alias("number")).drop_nulls("number")
    people = lists.group_by("number", "kind", maintain_order=True).agg("name", _LAST_DAY)
    dead, moved = (people.filter(pl.col("kind") == kind.value) for kind in Departure)
    own = _met(rows, dead, "beneficiary_number").with_columns(_first_days(rows, frequency))
    before = (pl.col("on") < pl.col("first_day")).fill_null(False)
    # An id number with a slip of the pen, its check digit right all the same, is a living person's.
    named = pl.col("beneficiary_name").is_in(pl.col("name")).fill_null(False)
    payees = rows.filter(pl.col("payee_number").ne_missing(pl.col("beneficiary_number")))
    heads = rows.filter(
        pl.col("key_number").ne_missing(pl.col("beneficiary_number"))
        & pl.col("key_number").ne_missing(pl.col("payee_number"))
    )
    met = [
        ("deceased_before_slot", Column.ID, own.filter(named & before)),
        ("deceased_name_differs", Column.ID, own.filter(~named)),
        ("deceased", Column.ID, own.filter(named & ~before)),
        ("payee_deceased", Column.PAYEE_ID, _met(payees, dead, "payee_number")),
        ("head_deceased", Column.HEAD_ID, _met(heads, dead, "key_number")),
        ("moved_away", Column.ID, _met(rows, moved, "beneficiary_number")),
    ]
    return [Hit(code, column, part["at"], _days(part["on"])) for code, column, part in met if not part.is_empty()]


def _met(rows: pl.DataFrame, people: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows whose number in that column is one of these people's, with their `name`s on the lists and `on`."""
    found = rows.select("at", "slot", "beneficiary_name", number=column)
    found = found.filter(pl.col("number").is_in(people["number"].implode()))
    return found.join(people, on="number", how="left", maintain_order="left")


def _first_days(rows: pl.DataFrame, frequency: Frequency) -> pl.Expr:
    """The first day of each row's slot, null where it cannot be read."""
    days = {slot: _first_day(slot, frequency) for slot in rows["slot"].unique().drop_nulls().to_list()}
    return pl.col("slot").replace_strict(days, default=None, return_dtype=pl.Date).alias("first_day")


def _first_day(slot: str, frequency: Frequency) -> date | None:
    try:
        return Slot.parse(slot, frequency).first_month.first_day
    except Refusal:
        return None


def _days(on: pl.Series) -> Callable[[int], dict[str, Any]]:
    def details(index: int) -> dict[str, Any]:
        day = on[index]
        return {"on": "日期不详" if day is None else day.isoformat()}

    return details
