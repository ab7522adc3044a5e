"""Claims: who is paid for a slot is decided once, whatever batch, bureau, retry or duplicate event asks (PROTOCOL C1-C5).

Per (claim group, slot) one manifest lists claim files that are disjoint by construction; a file counts only once the
manifest, written on condition of its version, names it. A claim belongs to its batch, a run only carries it.
"""

import io
from collections.abc import Callable

import polars as pl

from yikatong.manifest import Manifest
from yikatong.payments import sha256_hex

CLAIM_COLUMNS = {
    "key": pl.String,
    "batch_id": pl.String,
    "row": pl.Int32,
    "amount_fen": pl.Int64,
    "pay_account": pl.String,
    "payee_id": pl.String,
}


class AlteredClaim(Exception):
    """A committed claim file is missing or its SHA-256 differs: nothing may be paid until a person has looked."""


def read_claims(manifest: Manifest, load: Callable[[str], bytes | None]) -> pl.DataFrame:
    """All standing claims of a slot (released batches left out), columns as `CLAIM_COLUMNS`."""
    frames = [pl.DataFrame(schema=CLAIM_COLUMNS)]
    for file in manifest.files:
        data = load(file.key)
        if data is None or sha256_hex(data) != file.sha256:
            raise AlteredClaim(file.key)
        frames.append(pl.read_parquet(io.BytesIO(data)))
    claims = pl.concat(frames)
    return claims.filter(~pl.col("batch_id").is_in(list(manifest.releases)))


def choose(candidates: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The rows that may be claimed, one per key, in the candidates' own order of precedence.

    `candidates` holds the claim columns and `accepted` (bool: the approver accepted this row by name), first come
    first; `standing` what other batches already hold. A key held by another batch is left out. So is an account held
    for another beneficiary who is not a ward of the same payee, unless the row was accepted by name: a corrected id
    number must not become a second person (DESIGN §2).
    """
    fresh = candidates.join(standing.select("key"), on="key", how="anti").unique(
        "key", keep="first", maintain_order=True
    )
    accounts = pl.concat([standing.select("pay_account", "payee_id"), fresh.select("pay_account", "payee_id")])
    first_payee = accounts.unique("pay_account", keep="first", maintain_order=True).rename({"payee_id": "first_payee"})
    return (
        fresh.join(first_payee, on="pay_account", how="left", maintain_order="left")
        .filter((pl.col("first_payee") == pl.col("payee_id")) | pl.col("accepted"))
        .select(list(CLAIM_COLUMNS))
    )


def encode(claims: pl.DataFrame) -> bytes:
    """Parquet bytes, sorted by key so that they are stable within a polars version (FACTS)."""
    buffer = io.BytesIO()
    claims.sort("key").write_parquet(buffer)
    return buffer.getvalue()
