"""Claims: who is paid for a slot is decided once, whatever batch, bureau, retry or duplicate event asks (PROTOCOL C1-C5).

Per (claim group, slot) one manifest lists claim files that are disjoint by construction; a file counts only once the
manifest, written on condition of its version, names it. A claim belongs to its batch, a run only carries it.
"""

from collections.abc import Callable

import polars as pl

from yikatong import parquet
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
        frames.append(parquet.decode(data))
    claims = pl.concat(frames)
    return claims.filter(~pl.col("batch_id").is_in(list(manifest.releases)))


def choose(candidates: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The rows that may be claimed, in the candidates' own order of precedence; nobody and no household twice.

    `candidates` holds the claim columns and `accepted_account` (bool: the approver accepted this row's shared account
    by name), first come first; `standing` what other batches already hold. Left out is a row whose key or beneficiary
    is another claimed row's key or beneficiary: the same person must not be paid once under a household head and once
    on their own. So is a row whose account is held for another payee, unless that was accepted: a corrected id number
    must not become a second person (DESIGN §2). A row that is left out takes nothing from those after it.
    """
    rows = candidates.with_row_index("at")
    taken, payee_of, contested = _contested(rows, standing)
    refused = []
    columns = ["at", "key", "beneficiary_id", "pay_account", "payee_id", "accepted_account"]
    for at, key, beneficiary, account, payee, accepted in (
        rows.filter(pl.col("at").is_in(contested.implode())).select(columns).iter_rows()
    ):
        strange = payee_of.get(account, payee) != payee and not accepted
        if key in taken or beneficiary in taken or strange:
            refused.append(at)
        else:
            taken |= {key, beneficiary}
            payee_of.setdefault(account, payee)
    return rows.filter(~pl.col("at").is_in(refused)).select(list(CLAIM_COLUMNS))


def held_ids(standing: pl.DataFrame) -> pl.Series:
    """Every id that claims speak for: keys and beneficiaries."""
    return pl.concat([standing["key"], standing["beneficiary_id"].rename("key")]).unique()


def _contested(rows: pl.DataFrame, standing: pl.DataFrame) -> tuple[set[str], dict[str, str], pl.Series]:
    """Ids already held, whose each held account is, and the rows (`at`) that must be looked at one by one.

    Those are the few that share an id, or an account of another payee, with another row or with what is held.
    """
    held = held_ids(standing)
    ids = pl.concat([rows.select("at", id="key"), rows.select("at", id="beneficiary_id")]).unique()
    same_id = ids.filter(pl.col("id").is_duplicated() | pl.col("id").is_in(held.implode()))
    holders = standing.unique("pay_account", keep="first", maintain_order=True).select("pay_account", "payee_id")
    accounts = pl.concat([holders, rows.select("pay_account", "payee_id")]).unique()
    shared = accounts.filter(pl.col("pay_account").is_duplicated())["pay_account"].unique()
    same_account = rows.filter(pl.col("pay_account").is_in(shared.implode()))["at"]
    taken = set(same_id.filter(pl.col("id").is_in(held.implode()))["id"])
    payee_of = dict(holders.filter(pl.col("pay_account").is_in(shared.implode())).iter_rows())
    return taken, payee_of, pl.concat([same_id["at"], same_account]).unique()


def encode(claims: pl.DataFrame) -> bytes:
    """Parquet bytes, sorted by key so that they are stable within a polars version (FACTS)."""
    return parquet.encode(claims.sort("key", "row"))
