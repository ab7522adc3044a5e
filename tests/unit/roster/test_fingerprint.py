"""A roster is known by what it says."""

import polars as pl
import pytest

from yikatong.roster.fingerprint import fingerprint

ROWS = pl.DataFrame(
    {
        "row": [2, 3, 4],
        "beneficiary_name": ["甲", "乙", "丙"],
        "payee_name": ["甲", "丁", None],
        "account": ["6231000000000000001", None, None],
        "beneficiary_id": ["230102199001011230", "230102199001011231", None],
        "payee_id": ["230102199001011230", "230102199001011232", None],
        "key": ["230102199001011230", "230102199001011231", None],
        "slot": ["2023-06", "2023-06", "2023-05"],
        "amount_fen": [52_000, 52_000, None],
    }
)


def test_the_order_and_the_row_numbers_do_not_matter() -> None:
    other = ROWS.reverse().with_columns(row=pl.Series([9, 8, 7]))
    assert fingerprint(other) == fingerprint(ROWS)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("key", "230102199001011239"),
        ("beneficiary_id", "230102199001011239"),
        ("payee_id", "230102199001011239"),
        ("slot", "2023-07"),
        ("amount_fen", 52_001),
        ("beneficiary_name", "戊"),
        ("payee_name", "戊"),
        ("account", "6231000000000000002"),
    ],
)
def test_whatever_is_paid_by_matters(column: str, value: object) -> None:
    changed = ROWS.with_columns(pl.when(pl.col("row") == 2).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
    assert fingerprint(changed) != fingerprint(ROWS)


def test_a_row_more_or_less_matters() -> None:
    assert len({fingerprint(rows) for rows in (ROWS, ROWS.head(2), ROWS.head(0), pl.concat([ROWS, ROWS.head(1)]))}) == 4


def test_it_is_the_same_on_every_machine_and_in_every_version() -> None:
    """Kept with the batch for years: a new library must not change it."""
    assert fingerprint(ROWS) == "8f8f3e4d7012564e0ef1355dd3a8485c3ff7b07ad074efeb3eab0b5dd04a2a20"
