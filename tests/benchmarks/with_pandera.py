"""The roster's cell checks as somebody would write them with pandera[polars].

Each check has a name and is told apart in the report, as ours are. Every failure is kept (`lazy=True`).
"""

import io
from collections.abc import Iterable
from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from tests.benchmarks.files import AS_OF, LIMIT_YUAN

EARLIEST_BIRTH = date(1900, 1, 1)
# Han and its extensions (pandera also compiles a pattern with `re`, which knows no \p{Han}), letters, the separator.
NAME_PATTERN = "^[\u3400-\u9fff\U00020000-\U0003ffffA-Za-z·]+$"
SLOTS = [f"2023-{month:02d}" for month in range(4, 9)]
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _birth_in_time(data: PolarsData) -> pl.LazyFrame:
    birth = pl.col(data.key).str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    return data.lazyframe.select(birth.is_between(EARLIEST_BIRTH, AS_OF).fill_null(False))


def _check_digit_agrees(data: PolarsData) -> pl.LazyFrame:
    """ISO 7064 MOD 11-2. What is no number at all is told by the other checks."""
    text = pl.col(data.key)
    first_17 = text.str.head(17).cast(pl.Int64, strict=False)
    weighted = pl.sum_horizontal(first_17 // 10 ** (16 - place) % 10 * weight for place, weight in enumerate(_WEIGHTS))
    last = text.str.slice(17, 1)
    given = pl.when(last == "X").then(10).otherwise(last.cast(pl.Int64, strict=False))
    return data.lazyframe.select((weighted + given) % 11 == 1)


def _amount_within(data: PolarsData) -> pl.LazyFrame:
    amount = pl.col(data.key).cast(pl.Decimal(14, 2), strict=False)
    return data.lazyframe.select((amount > 0) & (amount <= LIMIT_YUAN))


def _id_checks() -> list[pa.Check]:
    return [
        pa.Check.str_length(18, 18, name="id_length"),
        pa.Check.str_matches(r"^[1-9][0-9]{16}[0-9X]$", name="id_characters"),
        pa.Check(_birth_in_time, name="id_date"),
        pa.Check(_check_digit_agrees, name="id_check_digit"),
    ]


def _name_checks() -> list[pa.Check]:
    return [
        pa.Check.str_length(1, 50, name="name_too_long"),
        pa.Check.str_matches(NAME_PATTERN, name="name_characters"),
    ]


def schema(columns: Iterable[str]) -> pa.DataFrameSchema:
    """The checks of whichever columns a file has."""
    checked = {title: _name_checks() for title in columns if title.endswith("姓名")}
    checked |= {title: _id_checks() for title in columns if title.endswith("身份证号")}
    checked["补贴金额"] = [
        pa.Check.str_matches(r"^[0-9]{1,10}(\.[0-9]{1,2})?$", name="amount_unreadable"),
        pa.Check(_amount_within, name="amount_not_within"),
    ]
    checked["属期"] = [pa.Check.isin(SLOTS, name="slot_not_payable")]
    return pa.DataFrameSchema({title: pa.Column(str, checks, nullable=False) for title, checks in checked.items()})


def faulty_rows(data: bytes) -> int:
    """How many rows have at least one fault."""
    frame = pl.read_csv(io.BytesIO(data), infer_schema=False)
    try:
        schema(frame.columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return int(errors.failure_cases["index"].n_unique())
    return 0
