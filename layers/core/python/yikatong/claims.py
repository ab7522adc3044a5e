"""Claims: who is paid for a slot is decided once, whatever batch, bureau, retry or duplicate event asks (PROTOCOL C1-C5).

Per (claim group, slot) one manifest lists claim files that are disjoint by construction; a file counts only once the
manifest, written on condition of its version, names it. A claim belongs to its batch, a run only carries it. It is a claim
to one attempt: the first for whoever has none, the next for a payment that finally failed (PROTOCOL B5).
"""

from collections.abc import Callable

import polars as pl

from yikatong import parquet
from yikatong.manifest import Checkpoint, ClaimFile, Manifest
from yikatong.payments import sha256_hex

CLAIM_COLUMNS = {
    "key": pl.String,
    "beneficiary_id": pl.String,
    "batch_id": pl.String,
    "row": pl.Int32,
    "amount_fen": pl.Int64,
    "pay_account": pl.String,
    "payee_id": pl.String,
    "attempt": pl.Int32,
}
FIRST_ATTEMPT = 1


class AlteredClaim(Exception):
    """A committed claim file is missing or its SHA-256 differs: nothing may be paid until a person has looked."""


def read_claims(manifest: Manifest, load: Callable[[str], bytes | None]) -> pl.DataFrame:
    """All standing claims of a slot (released batches left out), columns as `CLAIM_COLUMNS`."""
    return not_released(every_claim(manifest, load), manifest)


def not_released(claims: pl.DataFrame, manifest: Manifest) -> pl.DataFrame:
    return claims.filter(~pl.col("batch_id").is_in(list(manifest.releases)))


def every_claim(manifest: Manifest, load: Callable[[str], bytes | None]) -> pl.DataFrame:
    """All committed claims of a slot, those of released batches too; what was altered stops whoever reads it."""
    files: list[ClaimFile | Checkpoint] = [*manifest.unread_files]
    if manifest.checkpoint is not None:
        files.insert(0, manifest.checkpoint)
    frames = [pl.DataFrame(schema=CLAIM_COLUMNS)]
    for file in files:
        data = load(file.key)
        if data is None or sha256_hex(data) != file.sha256:
            raise AlteredClaim(file.key)
        frames.append(parquet.decode(data))
    return pl.concat(frames)


def choose(candidates: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The rows that may be claimed, in the candidates' own order of precedence; nobody and no household twice.

    `candidates` holds the claim columns and `accepted_account` (bool: the approver accepted this row's shared account
    by name), first come first; `standing` what other batches already hold. Left out is a row whose key or beneficiary
    is another claimed row's key or beneficiary: the same person must not be paid once under a household head and once
    on their own. So is a row whose account is held for another payee, unless that was accepted: a corrected id number
    must not become a second person (DESIGN §2). A row that is left out takes nothing from those after it.

    Rows of a further `attempt` come last: see `_choose_again`.
    """
    again = pl.col("attempt") > FIRST_ATTEMPT
    first = _choose_first(candidates.filter(~again), standing)
    return pl.concat([first, _choose_again(candidates.filter(again), pl.concat([standing, first]))])


def _choose_first(candidates: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
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


def _choose_again(candidates: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The further attempts that may be claimed: each once, after the attempt before it, to nobody else's account.

    Few at a time: failed payments, not a county.
    """
    held = set(standing.select("key", "attempt").iter_rows())
    owner: dict[str, tuple[str, str]] = {}
    for account, key, payee in standing.select("pay_account", "key", "payee_id").iter_rows():
        owner.setdefault(account, (key, payee))
    chosen = []
    columns = ["key", "attempt", "pay_account", "payee_id", "accepted_account"]
    for at, (key, attempt, account, payee, accepted) in enumerate(candidates.select(columns).iter_rows()):
        whose = owner.get(account, (key, payee))
        strange = key != whose[0] and payee != whose[1] and not accepted
        if (key, attempt) not in held and (key, attempt - 1) in held and not strange:
            chosen.append(at)
            held.add((key, attempt))
            owner.setdefault(account, (key, payee))
    return candidates.select(list(CLAIM_COLUMNS))[chosen]


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
