"""What has been decided to be shown, before it is: kept in the lake, in order, for ever.

What may be shown next depends on all that was ever shown (`yikatong.disclosure_groups`), and the site forgets. A decision is an
object put once under the next number of its subsidy; whoever finds the number taken reads again and decides again.
"""

import json
from dataclasses import dataclass
from datetime import date

import polars as pl

from yikatong import parquet
from yikatong.disclosure_groups import Atom, Cells, Published
from yikatong.payments import digest_of, sha256_hex
from yikatong.ports import Lake

SUMMED = {"cell": pl.String, "region": pl.String, "person": pl.String, "amount_fen": pl.Int64}


# --- lists: which regions stand together -----------------------------------------------------------------------------------

AtomsBySlot = dict[str, tuple[Atom, ...]]
"""All atoms that were ever formed; a decision holds those before it as well."""


def _atoms_folder(plan_year: int, code: str) -> str:
    return f"disclosed/atoms/{plan_year}/{code}/"


def read_atoms(plan_year: int, code: str, lake: Lake) -> tuple[int, AtomsBySlot]:
    """The number of the last decision, 0 where there is none, and its atoms."""
    keys = lake.keys(_atoms_folder(plan_year, code))
    if not keys:
        return 0, {}
    data = lake.get(keys[-1])
    assert data is not None, "nobody deletes from the lake"
    atoms = {
        slot: tuple(Atom(cell, frozenset(regions)) for cell, regions in formed)
        for slot, formed in json.loads(data).items()
    }
    return len(keys), atoms


def keep_atoms(plan_year: int, code: str, number: int, atoms: AtomsBySlot, lake: Lake) -> None:
    """Keep the decision with this number; `DigestMismatch` when somebody else's has it."""
    document = {slot: [[atom.cell, sorted(atom.regions)] for atom in formed] for slot, formed in atoms.items()}
    data = json.dumps(document, sort_keys=True).encode()
    key = f"{_atoms_folder(plan_year, code)}{number:06d}.json"
    lake.put_once(key, data, digest_of("keep_atoms", sha256_hex(data)))


# --- sums: who was counted in which ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summed:
    """The sums of one slot as they were decided: `people` has the columns of SUMMED. `left_out` counts the people who were
    paid and could not be counted anywhere yet; `follows` is a digest of the batches that had paid."""

    plan_year: int
    slot: str
    as_of: date
    follows: str
    left_out: int
    people: pl.DataFrame

    @property
    def published(self) -> Published:
        return Published(f"{self.plan_year}#{self.slot}", self.people)


def summed(paid: pl.DataFrame, cells: Cells) -> pl.DataFrame:
    """The people (`region`, `person`, `amount_fen`) with the cells they count in; those in none are left out."""
    place = pl.DataFrame(
        [(region, cell) for cell, regions in cells.items() for region in regions],
        schema={"region": pl.String, "cell": pl.String},
        orient="row",
    )
    return paid.join(place, on="region", how="inner").select(list(SUMMED)).sort("cell", "region", "person")


def _sums_folder(code: str) -> str:
    return f"disclosed/sums/{code}/"


def read_sums(code: str, lake: Lake) -> list[Summed]:
    """Every decision on this subsidy, the oldest first."""
    decisions = []
    for key in lake.keys(_sums_folder(code)):
        data = lake.get(key)
        assert data is not None, "nobody deletes from the lake"
        frame = parquet.decode(data)
        about = frame.row(0, named=True)
        decisions.append(
            Summed(
                plan_year=about["plan_year"],
                slot=about["slot"],
                as_of=about["as_of"],
                follows=about["follows"],
                left_out=about["left_out"],
                people=frame.filter(pl.col("cell").is_not_null()).select(list(SUMMED)),
            )
        )
    return decisions


def keep_sums(code: str, number: int, decided: Summed, lake: Lake) -> None:
    """Keep the decision with this number; `DigestMismatch` when somebody else's has it.

    The first row says what the others are about.
    """
    about = pl.DataFrame(
        {
            "plan_year": [decided.plan_year],
            "slot": [decided.slot],
            "as_of": [decided.as_of],
            "follows": [decided.follows],
            "left_out": [decided.left_out],
        }
    )
    data = parquet.encode(pl.concat([about, decided.people], how="diagonal"))
    cells = sorted(set(decided.people.select("cell", "region").rows()))
    digest = digest_of("keep_sums", decided.plan_year, decided.slot, decided.as_of, decided.follows, cells)
    lake.put_once(f"{_sums_folder(code)}{number:06d}.parquet", data, digest)
