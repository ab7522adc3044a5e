"""Lists of the deceased and of those who moved away: read as tolerantly as a roster, and held against its people.

Needed are an id number and, where it is known, a date (姓名, 身份证号, 日期). A row whose id number is wrong names nobody
and is left out with its reason; a date that cannot be read is as good as none, and said.
"""

import csv
import datetime
import io
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum, ZipError

from yikatong import identity
from yikatong.departures import Departure
from yikatong.errors import Refusal
from yikatong.plan import Slot
from yikatong.plan.model import Frequency
from yikatong.roster.columns import Column, match_header
from yikatong.roster.encoding import to_utf8
from yikatong.roster.file_kinds import OLD_OFFICE, ZIP, refuse_other_formats
from yikatong.roster.findings import Unreadable
from yikatong.roster.hits import Hit
from yikatong.roster.table import HEADER_ROWS, MAX_COLUMNS
from yikatong.roster.workbook_guard import check_workbook

MAX_LIST_BYTES = 64 * 2**20
MAX_LIST_ROWS = 500_000
# What lists say of departures, as `departed_hits` takes it; `on` is null where the list gives no day.
DEPARTED = {"id_number": pl.String, "kind": pl.String, "on": pl.Date}
LISTED = {"id_number": pl.String, "on": pl.Date}
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
_DATE = r"^([0-9]{4})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?(?:[ T][0-9:.]*)?$"


@dataclass(frozen=True)
class DepartureList:
    """`frame` in LISTED, one row per id number, sorted; `faults` (row Int32 as the clerk's program shows it, code)."""

    frame: pl.DataFrame
    faults: pl.DataFrame


def read_list(data: bytes, on: date) -> DepartureList:
    """Read a CSV, TSV or XLSX list supplied on that day. What cannot be read as a whole raises Refusal."""
    if len(data) > MAX_LIST_BYTES:
        raise Refusal(f"名单超过 {MAX_LIST_BYTES // 2**20} MB，请拆分后再报送。", "bad_list")
    if data.startswith(OLD_OFFICE):
        raise Refusal("旧版 XLS 工作簿的名单请另存为 XLSX 或 CSV 后再报送。", "bad_list")
    try:
        refuse_other_formats(data)
        rows = _workbook_rows(data) if data.startswith(ZIP) else _text_rows(data)
    except Unreadable as error:
        raise Refusal(error.findings[0].message, "bad_list") from None
    if len(rows) > MAX_LIST_ROWS + HEADER_ROWS:
        raise Refusal(f"名单超过 {MAX_LIST_ROWS} 行，请核对。", "bad_list")
    first, id_place, date_place = _find_columns(rows)
    cells = [(first + index + 1, _at(row, id_place), _at(row, date_place)) for index, row in enumerate(rows[first:])]
    return _typed([cell for cell in cells if cell[1] not in (None, "")], on)


def _text_rows(data: bytes) -> list[list[Any]]:
    text = to_utf8(data).decode().removeprefix("\ufeff")
    separator = "\t" if text[: 1 << 16].count("\t") > text[: 1 << 16].count(",") else ","
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        raise Refusal("名单读不出来：可能少了一个引号，或不是文本文件。", "bad_list") from None


def _workbook_rows(data: bytes) -> list[list[Any]]:
    """The one visible sheet that has an id column, cells with their types."""
    check_workbook(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        sheets = [workbook.get_sheet_by_name(name) for name in names]
        if any(sheet.total_width > MAX_COLUMNS or sheet.total_height > MAX_LIST_ROWS + HEADER_ROWS for sheet in sheets):
            raise Refusal(f"工作表超过{MAX_COLUMNS}列或{MAX_LIST_ROWS}行，请核对。", "bad_list")
        all_rows = [sheet.to_python(skip_empty_area=False) for sheet in sheets]
    except (CalamineError, ZipError, ValueError, OSError):
        raise Refusal("名单的工作簿读不出来，请另存后再报送。", "bad_list") from None
    found = [rows for rows in all_rows if _header_row(rows) is not None]
    if len(found) > 1:
        raise Refusal(f"有{len(found)}张工作表都像名单，请只保留一张。", "bad_list")
    return found[0] if found else []


def _header_row(rows: Sequence[Sequence[Any]]) -> int | None:
    """Titles may stand above the header: the first row that has a column of id numbers."""
    for index, row in enumerate(rows[:HEADER_ROWS]):
        if Column.ID in match_header([str(cell or "") for cell in row]).places:
            return index
    return None


def _find_columns(rows: Sequence[Sequence[Any]]) -> tuple[int, int, int | None]:
    """How many rows end with the header, the place of the id numbers, and that of the dates if there is one."""
    index = _header_row(rows)
    if index is None:
        raise Refusal("名单里没有找到“身份证号”列；应有姓名、身份证号、日期三列，列名写在同一行。", "bad_list")
    titles = ["".join(unicodedata.normalize("NFKC", str(cell or "")).split()) for cell in rows[index]]
    header = match_header(titles)
    dates = [place for place, title in enumerate(titles) if title in DATE_TITLES]
    if Column.ID in header.doubled or len(dates) > 1:
        raise Refusal("名单的“身份证号”列或日期列不止一个，请只保留一个。", "bad_list")
    return index + 1, header.places[Column.ID], dates[0] if dates else None


def _at(row: Sequence[Any], place: int | None) -> Any:
    return row[place] if place is not None and place < len(row) else None


def _typed(cells: list[tuple[int, Any, Any]], on: date) -> DepartureList:
    rows, ids, dates = zip(*cells, strict=True) if cells else ((), (), ())
    raw = pl.DataFrame(
        {
            "row": pl.Series(rows, dtype=pl.Int32),
            # A spreadsheet keeps 15 digits of a number: whoever it was, the rest is guessed.
            "numeric": pl.Series([isinstance(cell, (int, float)) for cell in ids], dtype=pl.Boolean),
            "id_number": pl.Series([str(cell) for cell in ids], dtype=pl.String),
            "date": pl.Series([_date_text(cell) for cell in dates], dtype=pl.String),
        }
    )
    typed = raw.lazy().with_columns(identity.normalise_expression(pl.col("id_number")))
    typed = typed.filter(pl.col("id_number").is_not_null()).with_columns(
        _date_expression(pl.col("date"), on).alias("on")
    )
    number = identity.number_expression(pl.col("id_number"))
    right = identity.right_expression(pl.col("id_number"), number, on)
    fault = (
        pl.when("numeric")
        .then(pl.lit("departed_id_numeric"))
        .when(~right)
        .then(pl.lit("departed_id_wrong"))
        .when(pl.col("on").is_null() & (pl.col("date") != ""))
        .then(pl.lit("departed_date_unreadable"))
    )
    judged = typed.with_columns(fault.alias("code")).collect()
    taken = judged.filter(pl.col("code").is_null() | (pl.col("code") == "departed_date_unreadable"))
    return DepartureList(
        # Somebody listed twice departed on the later day, as far as anybody can say.
        taken.group_by("id_number").agg(pl.col("on").max()).sort("id_number"),
        judged.filter(pl.col("code").is_not_null()).select("row", "code").sort("row"),
    )


def _date_text(cell: Any) -> str:
    if isinstance(cell, (datetime.datetime, datetime.date)):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # 20230512 typed as a number
    return unicodedata.normalize("NFKC", str(cell if cell is not None else "")).strip()


def _date_expression(text: pl.Expr, on: date) -> pl.Expr:
    """2023-05-12, 2023/5/12, 2023.5.12, 20230512, 2023年5月12日; null for anything else and for days after `on`."""
    year, month, day = (text.str.extract(_DATE, group).cast(pl.Int32, strict=False) for group in (1, 2, 3))
    written = pl.concat_str(
        year.cast(pl.String), month.cast(pl.String).str.zfill(2), day.cast(pl.String).str.zfill(2), separator="-"
    )
    found = written.str.to_date("%Y-%m-%d", strict=False)
    return pl.when(found <= on).then(found)


def departed_hits(rows: pl.DataFrame, departed: pl.DataFrame | None, frequency: Frequency) -> list[Hit]:
    """Who on the roster is on a list: `deceased_before_slot`, `deceased`, `moved_away`, `payee_deceased`.

    `departed` as DEPARTED, of one or several lists; `frequency` is how the rows' slots are written.
    """
    if departed is None or departed.is_empty():
        return []
    lists = departed.with_columns(identity.numbers_of(departed["id_number"]).alias("number")).drop_nulls("number")
    # Where lists differ the later day counts: nobody is left out for a slot in which one of them has them alive.
    people = lists.group_by("number", "kind", maintain_order=True).agg(pl.col("on").max())
    dead, moved = (people.filter(pl.col("kind") == kind.value) for kind in Departure)
    own = _met(rows, dead, "beneficiary_number").with_columns(_first_days(rows, frequency))
    before = (pl.col("on") < pl.col("first_day")).fill_null(False)
    payees = rows.filter(pl.col("payee_number").ne_missing(pl.col("beneficiary_number")))
    met = [
        ("deceased_before_slot", Column.ID, own.filter(before)),
        ("deceased", Column.ID, own.filter(~before)),
        ("payee_deceased", Column.PAYEE_ID, _met(payees, dead, "payee_number")),
        ("moved_away", Column.ID, _met(rows, moved, "beneficiary_number")),
    ]
    return [Hit(code, column, part["at"], _days(part["on"])) for code, column, part in met if not part.is_empty()]


def _met(rows: pl.DataFrame, people: pl.DataFrame, name: str) -> pl.DataFrame:
    """`at`, `slot` and `on` of the rows whose number in that column is one of these people's."""
    found = rows.select("at", "slot", number=name).filter(pl.col("number").is_in(people["number"].implode()))
    return found.join(people, on="number", how="left", maintain_order="left").select("at", "slot", "on")


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
