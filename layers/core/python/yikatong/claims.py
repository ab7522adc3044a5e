"""Claims: who is paid for a slot is decided once, whatever batch, bureau, retry or duplicate event asks (PROTOCOL C1-C5).

Per (claim group, slot) one manifest lists claim files that are disjoint by construction; a file counts only once the
manifest, written on condition of its version, names it. A claim belongs to its batch, a run only carries it.
"""

import io
from collections.abc import Callable, Iterable
from datetime import date

import polars as pl
from pydantic import BaseModel, ConfigDict

from yikatong.payments import sha256_hex
from yikatong.ports import Stored

CLAIM_COLUMNS = {"key": pl.String, "batch_id": pl.String, "row": pl.Int32, "amount_fen": pl.Int64, "pay_account": pl.String, "payee_id": pl.String}


class ClaimContext(BaseModel):
    """What a claim was judged under; it stays with the claim, whichever run carries it on (PROTOCOL C3)."""

    model_config = ConfigDict(frozen=True)

    as_of: date
    registry_version: str

    @property
    def funds_year(self) -> int:
        return self.as_of.year


class ClaimFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    sha256: str
    count: int
    run_id: str
    batches: tuple[str, ...]
    """Every batch whose rows of this slot were looked at, those that got nothing included: they are done."""
    context: ClaimContext


class Manifest(Stored):
    claim_group: str
    slot: str
    files: tuple[ClaimFile, ...] = ()
    releases: tuple[str, ...] = ()
    """Withdrawn batches: their claims are void whether they stand before or after the entry (PROTOCOL W1)."""
    reissues: tuple[str, ...] = ()
    """`{payment_id}-{attempt}` of failed attempts that may be paid again, each once (PROTOCOL B5)."""

    def file_of(self, batch_id: str) -> ClaimFile | None:
        """The committed claim file in which this batch had its turn, or None."""
        return next((file for file in self.files if batch_id in file.batches), None)


def manifest_key(claim_group: str, slot: str) -> tuple[str, str]:
    return f"MANIFEST#{claim_group}", slot


def empty_manifest(claim_group: str, slot: str) -> Manifest:
    pk, sk = manifest_key(claim_group, slot)
    return Manifest(pk=pk, sk=sk, claim_group=claim_group, slot=slot)


def claim_file_key(claim_group: str, slot: str, run_id: str, base: int) -> str:
    """The base version is in the name: a lost race writes another file, never over the loser's (PROTOCOL C2)."""
    return f"claims/{claim_group}/{slot}/{run_id}/v{base}.parquet"


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

    `candidates` holds the claim columns, first come first; `standing` what other batches already hold. A key held by
    another batch is left out. So is an account held for another beneficiary who is not a ward of the same payee:
    a corrected id number must not become a second person (DESIGN §2).
    """
    fresh = candidates.join(standing.select("key"), on="key", how="anti").unique("key", keep="first", maintain_order=True)
    accounts = pl.concat([standing.select("pay_account", "payee_id"), fresh.select("pay_account", "payee_id")])
    first_payee = accounts.unique("pay_account", keep="first", maintain_order=True).rename({"payee_id": "first_payee"})
    return (
        fresh.join(first_payee, on="pay_account", how="left", maintain_order="left")
        .filter(pl.col("first_payee") == pl.col("payee_id"))
        .select(list(CLAIM_COLUMNS))
    )


def encode(claims: pl.DataFrame) -> bytes:
    """Parquet bytes, sorted by key so that they are stable within a polars version (FACTS)."""
    buffer = io.BytesIO()
    claims.sort("key").write_parquet(buffer)
    return buffer.getvalue()


def with_release(manifest: Manifest, batch_ids: Iterable[str]) -> Manifest | None:
    """The manifest with release entries for these batches, or None when it has them all."""
    missing = sorted(set(batch_ids) - set(manifest.releases))
    return manifest.model_copy(update={"releases": (*manifest.releases, *missing)}) if missing else None
