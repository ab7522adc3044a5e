"""What a roster says, whatever file said it: the same rows in another order, encoding, format or under another name.

A SHA-256 over the sorted rows as text, each with all that payment or the card check go by: entitled unit, beneficiary and
payee with their names, slot, amount, and the roster's own account. Sorting and writing are the same on every machine and in
every version of the libraries, which their own hashes are not.
"""

import hashlib
import io

import polars as pl

COLUMNS = (
    "key", "beneficiary_id", "payee_id", "slot", "amount_fen", "beneficiary_name", "payee_name", "account",
)  # fmt: skip
_ROWS_AT_A_TIME = 100_000


def fingerprint(frame: pl.DataFrame) -> str:
    """64 hexadecimal digits for a frozen roster."""
    digest = hashlib.sha256()
    rows = frame.select(COLUMNS)
    # The order first, the rows a part at a time: sorted, all of them would be there twice.
    order = rows.select(pl.arg_sort_by(COLUMNS)).to_series()
    for start in range(0, len(order), _ROWS_AT_A_TIME):
        text = io.BytesIO()
        rows[order[start : start + _ROWS_AT_A_TIME]].write_csv(text, include_header=False)
        digest.update(text.getbuffer())
    return digest.hexdigest()
