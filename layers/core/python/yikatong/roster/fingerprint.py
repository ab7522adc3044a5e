"""What a roster says, whatever file said it: the same rows in another order, encoding, format or under another name.

A SHA-256 over the sorted rows as text, each its entitled unit, beneficiary, payee, slot and amount. Sorting and writing are
the same on every machine and in every version of the libraries, which their own hashes are not.
"""

import hashlib
import io

import polars as pl

COLUMNS = ("key", "beneficiary_id", "payee_id", "slot", "amount_fen")
_ROWS_AT_A_TIME = 100_000


def fingerprint(frame: pl.DataFrame) -> str:
    """64 hexadecimal digits for a frozen roster."""
    digest = hashlib.sha256()
    rows = frame.select(COLUMNS).sort(COLUMNS)
    for part in rows.iter_slices(_ROWS_AT_A_TIME):
        text = io.BytesIO()
        part.write_csv(text, include_header=False)
        digest.update(text.getbuffer())
    return digest.hexdigest()
