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
    "beneficiary_id": pl.String,
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
    """The rows that may be claimed, in the candidates' own order of precedence; nobody and no household twice.

    `candidates` holds the claim columns and `accepted` (bool: the approver accepted this row by name), first come
    first; `standing` what other batches already hold. Left out is a row whose key or beneficiary is another row's key
    or beneficiary: the same person must not be paid once under a household head and once on their own. So is a row
    whose account is held for another beneficiary who is not a ward of the same payee, unless it was accepted by name:
    a corrected id number must not become a second person (DESIGN §2).
    """
    fresh = _once_each(candidates, held_ids(standing))
    accounts = pl.concat([standing.select("pay_account", "payee_id"), fresh.select("pay_account", "payee_id")])
    first_payee = accounts.unique("pay_account", keep="first", maintain_order=True).rename({"payee_id": "first_payee"})
    return (
        fresh.join(first_payee, on="pay_account", how="left", maintain_order="left")
        .filter((pl.col("first_payee") == pl.col("payee_id")) | pl.col("accepted"))
        .select(list(CLAIM_COLUMNS))
    )


def held_ids(standing: pl.DataFrame) -> pl.Series:
    """Every id that claims speak for: keys and beneficiaries."""
    return pl.concat([standing["key"], standing["beneficiary_id"].rename("key")]).unique()


def _once_each(candidates: pl.DataFrame, held: pl.Series) -> pl.DataFrame:
    """First come, first served. Only rows that share an id with another row or with `held` are looked at one by one."""
    rows = candidates.with_row_index("at")
    ids = pl.concat([rows.select("at", id="key"), rows.select("at", id="beneficiary_id")]).unique()
    taken = set(ids.filter(pl.col("id").is_in(held.implode()))["id"])
    contested = ids.filter(pl.col("id").is_duplicated() | pl.col("id").is_in(held.implode()))["at"].unique()
    refused = []
    for at, key, beneficiary in (
        rows.filter(pl.col("at").is_in(contested.implode())).select("at", "key", "beneficiary_id").iter_rows()
    ):
        if key in taken or beneficiary in taken:
            refused.append(at)
        else:
            taken |= {key, beneficiary}
    return rows.filter(~pl.col("at").is_in(refused)).drop("at")


def encode(claims: pl.DataFrame) -> bytes:
    """Parquet bytes, sorted by key so that they are stable within a polars version (FACTS)."""
    buffer = io.BytesIO()
    claims.sort("key", "row").write_parquet(buffer)
    return buffer.getvalue()
