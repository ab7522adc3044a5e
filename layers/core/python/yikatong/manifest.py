"""The manifest of a (claim group, slot): which claim files stand (PROTOCOL C1). No polars here: the APIs use it too."""

from collections.abc import Iterable
from datetime import date

from pydantic import BaseModel, ConfigDict

from yikatong.ports import Stored


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


class Checkpoint(BaseModel):
    """The claims of the manifest's first `covers` files in one object: read in their stead (PROTOCOL C5)."""

    model_config = ConfigDict(frozen=True)

    key: str
    sha256: str
    count: int
    covers: int


class Manifest(Stored):
    claim_group: str
    slot: str
    files: tuple[ClaimFile, ...] = ()
    """Every committed file, oldest first; those that a checkpoint covers still say whose turn it was, and under what."""
    checkpoint: Checkpoint | None = None
    releases: tuple[str, ...] = ()
    """Withdrawn batches: their claims are void whether they stand before or after the entry (PROTOCOL W1)."""

    @property
    def unread_files(self) -> tuple[ClaimFile, ...]:
        """The files past the checkpoint."""
        return self.files[self.checkpoint.covers if self.checkpoint else 0 :]

    def file_of(self, batch_id: str) -> ClaimFile | None:
        """The committed claim file in which this batch had its turn, or None."""
        return next((file for file in self.files if batch_id in file.batches), None)


def manifests_pk(claim_group: str) -> str:
    return f"MANIFEST#{claim_group}"


def manifest_key(claim_group: str, slot: str) -> tuple[str, str]:
    return manifests_pk(claim_group), slot


def empty_manifest(claim_group: str, slot: str) -> Manifest:
    pk, sk = manifest_key(claim_group, slot)
    return Manifest(pk=pk, sk=sk, claim_group=claim_group, slot=slot)


def claim_file_key(claim_group: str, slot: str, run_id: str, base: int, inputs: str) -> str:
    """The base version is in the name: a lost race writes another file, never over the loser's (PROTOCOL C2).

    So is what the file was made from (`inputs`, a digest): a run that was started again may have lost a batch meanwhile, and
    what its dead worker left under the same base is garbage, not in its way.
    """
    return f"claims/{claim_group}/{slot}/{run_id}/v{base}-{inputs[:16]}.parquet"


def checkpoint_key(claim_group: str, slot: str, run_id: str, base: int, inputs: str) -> str:
    return f"claims/{claim_group}/{slot}/{run_id}/checkpoint-v{base}-{inputs[:16]}.parquet"


def with_release(manifest: Manifest, batch_ids: Iterable[str]) -> Manifest | None:
    """The manifest with release entries for these batches, or None when it has them all."""
    missing = sorted(set(batch_ids) - set(manifest.releases))
    return manifest.model_copy(update={"releases": (*manifest.releases, *missing)}) if missing else None
