"""Who may claim: one row a key, nothing another batch holds, no account twice for strangers."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikatong import claims
from yikatong.claims import CLAIM_COLUMNS, AlteredClaim, choose, read_claims
from yikatong.manifest import Checkpoint, ClaimContext, ClaimFile, claim_file_key, empty_manifest, with_release
from yikatong.payments import sha256_hex

CONTEXT = ClaimContext(as_of=date(2023, 6, 12), registry_version="r")
Row = tuple[str, str, str, str, bool]


def frame(*rows: Row, beneficiary: str = "") -> pl.DataFrame:
    """Rows of (key, batch, account, payee, accepted); each is its own beneficiary unless one is named for all."""
    data = [
        {
            "key": key,
            "beneficiary_id": beneficiary or key,
            "batch_id": batch,
            "row": n,
            "amount_fen": 100,
            "pay_account": account,
            "payee_id": payee,
            "attempt": 1,
            "accepted_account": ok,
        }
        for n, (key, batch, account, payee, ok) in enumerate(rows, 1)
    ]
    return pl.DataFrame(data, schema={**CLAIM_COLUMNS, "accepted_account": pl.Boolean})


def standing(*rows: Row, beneficiary: str = "") -> pl.DataFrame:
    return frame(*rows, beneficiary=beneficiary).select(list(CLAIM_COLUMNS))


def chosen(candidates: pl.DataFrame, held: pl.DataFrame) -> list[tuple[str, str]]:
    return choose(candidates, held).select("key", "batch_id").rows()


def test_a_key_held_by_another_batch_is_left_out() -> None:
    assert chosen(
        frame(("a", "B", "1", "a", False), ("b", "B", "2", "b", False)), standing(("a", "A", "1", "a", False))
    ) == [("b", "B")]


def test_within_a_run_the_first_in_order_has_the_key() -> None:
    assert chosen(frame(("a", "A", "1", "a", False), ("a", "B", "9", "a", True)), standing()) == [("a", "A")]


def test_an_account_of_another_beneficiary_is_held_back() -> None:
    """A corrected id number must not become a second person."""
    assert chosen(frame(("b", "B", "1", "b", False)), standing(("a", "A", "1", "a", False))) == []


def test_a_person_paid_under_a_household_head_is_not_paid_once_more_on_their_own() -> None:
    """M under head H in one roster, M without a head in another: two keys, one person, one payment."""
    under_head = ("head", "A", "1", "m", False)
    alone = ("m", "B", "2", "m", False)
    assert chosen(frame(alone), standing(under_head, beneficiary="m")) == []
    assert chosen(frame(under_head, beneficiary="m"), standing(alone)) == []


def test_a_person_is_not_paid_under_two_household_heads() -> None:
    rows = frame(("head-1", "A", "1", "m", False), ("head-2", "A", "1", "m", False), beneficiary="m")
    assert chosen(rows, standing()) == [("head-1", "A")]


def test_a_row_that_was_itself_left_out_blocks_nobody() -> None:
    """x is held; x's household row falls, and with it nothing that shared only its other id."""
    rows = pl.concat(
        [frame(("x", "B", "1", "x", False), beneficiary="y"), frame(("y", "B", "2", "y", False))], how="vertical"
    )
    assert chosen(rows, standing(("x", "A", "9", "x", False))) == [("y", "B")]


def test_a_row_left_out_for_its_account_takes_nobody_with_it() -> None:
    """R is on one roster with Q's account by mistake, on another with their own: R is paid through the second."""
    mistaken, right = ("r", "A", "q-account", "r", False), ("r", "B", "r-account", "r", False)
    assert chosen(frame(mistaken, right), standing(("q", "X", "q-account", "q", False))) == [("r", "B")]


def test_a_guardian_may_be_paid_for_several_wards() -> None:
    two = frame(("ward-1", "B", "1", "mother", False), ("ward-2", "B", "1", "mother", False))
    assert chosen(two, standing(("ward-0", "A", "1", "mother", False))) == [("ward-1", "B"), ("ward-2", "B")]


def test_an_account_of_another_is_paid_when_the_approver_accepted_the_row_by_name() -> None:
    assert chosen(frame(("b", "B", "1", "b", True)), standing(("a", "A", "1", "a", False))) == [("b", "B")]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcde"),
        st.sampled_from(["A", "B"]),
        st.sampled_from("123"),
        st.sampled_from("xyz"),
        st.booleans(),
    ),
    max_size=12,
)


@given(ROWS, ROWS)
def test_whatever_is_chosen_is_new_and_each_key_once(candidates: list[Row], held: list[Row]) -> None:
    before = standing(*held).unique("key", keep="first", maintain_order=True)
    keys = choose(frame(*candidates), before)["key"].to_list()
    assert len(keys) == len(set(keys))
    assert set(keys).isdisjoint(before["key"].to_list())
    assert set(keys) <= {row[0] for row in candidates}


@given(ROWS, ROWS)
def test_choosing_again_on_top_of_what_was_chosen_adds_nothing(candidates: list[Row], held: list[Row]) -> None:
    before = standing(*held).unique("key", keep="first", maintain_order=True)
    once = choose(frame(*candidates), before)
    taken = pl.concat([before, once])
    assert set(choose(frame(*candidates), taken)["key"]).isdisjoint(taken["key"].to_list())


@given(ROWS)
def test_no_account_goes_to_two_payees_unless_somebody_accepted_it(candidates: list[Row]) -> None:
    strict = [(*row[:4], False) for row in candidates]
    result = choose(frame(*strict), standing())
    assert result.select("pay_account", "payee_id").unique().height == result["pay_account"].n_unique()


def stored(*rows: Row) -> tuple[dict[str, bytes], ClaimFile]:
    data = claims.encode(standing(*rows))
    batches = tuple(sorted({row[1] for row in rows}))
    file = ClaimFile(key="f", sha256=sha256_hex(data), count=len(rows), run_id="r", batches=batches, context=CONTEXT)
    return {"f": data}, file


def test_a_released_batchs_claims_are_void_wherever_they_stand() -> None:
    lake, file = stored(("a", "A", "1", "a", False), ("b", "B", "2", "b", False))
    manifest = empty_manifest("g", "2023-06").model_copy(update={"files": (file,)})
    released = with_release(manifest, ["A"])
    assert released is not None
    assert read_claims(released, lake.get)["batch_id"].to_list() == ["B"]
    assert with_release(released, ["A"]) is None


@pytest.mark.parametrize("altered", [None, b"other bytes"])
def test_a_claim_file_missing_or_altered_stops_everything(altered: bytes | None) -> None:
    _, file = stored(("a", "A", "1", "a", False))
    manifest = empty_manifest("g", "2023-06").model_copy(update={"files": (file,)})
    with pytest.raises(AlteredClaim):
        read_claims(manifest, lambda _: altered)


def test_the_name_of_a_claim_file_holds_the_version_it_was_made_for() -> None:
    assert claim_file_key("g", "2023-06", "run", 3, 20 * "a") == f"claims/g/2023-06/run/v3-{16 * 'a'}.parquet"


def test_equal_claims_give_equal_bytes_in_whatever_order() -> None:
    rows: list[Row] = [("a", "A", "1", "a", False), ("b", "A", "2", "b", False)]
    assert claims.encode(standing(*rows)) != b""
    again = claims.encode(standing(*rows)[::-1])
    assert pl.read_parquet(again)["key"].to_list() == ["a", "b"]


def attempt(n: int, *rows: Row) -> pl.DataFrame:
    return frame(*rows).with_columns(attempt=pl.lit(n, pl.Int32))


def held_attempts(*rows: tuple[Row, int]) -> pl.DataFrame:
    return pl.concat([attempt(n, row).select(list(CLAIM_COLUMNS)) for row, n in rows])


A_FIRST: tuple[Row, int] = (("a", "A", "1", "a", False), 1)


def test_a_further_attempt_is_claimed_once_whoever_asks() -> None:
    again: Row = ("a", "R1", "9", "a", False)
    twice = pl.concat([attempt(2, again), attempt(2, ("a", "R2", "8", "a", False))])
    assert chosen(twice, held_attempts(A_FIRST)) == [("a", "R1")]
    assert chosen(attempt(2, ("a", "R2", "8", "a", False)), held_attempts(A_FIRST, (again, 2))) == []


def test_no_attempt_is_claimed_before_the_one_before_it() -> None:
    assert chosen(attempt(3, ("a", "R1", "1", "a", False)), held_attempts(A_FIRST)) == []
    assert chosen(attempt(2, ("b", "R1", "1", "b", False)), held_attempts(A_FIRST)) == []


def test_a_reissue_to_an_account_of_somebody_else_is_held_back_and_to_ones_own_is_not() -> None:
    held = held_attempts(A_FIRST, (("b", "A", "2", "b", False), 1))
    assert chosen(attempt(2, ("a", "R1", "2", "a", False)), held) == []
    assert chosen(attempt(2, ("a", "R1", "2", "a", True)), held) == [("a", "R1")]
    # The payee is corrected and the account stays.
    assert chosen(attempt(2, ("a", "R1", "1", "a-corrected", False)), held) == [("a", "R1")]


def test_an_ordinary_row_never_takes_the_place_of_a_person_with_several_attempts() -> None:
    held = held_attempts(A_FIRST, (("a", "R1", "9", "a", False), 2))
    assert chosen(frame(("a", "B", "1", "a", False)), held) == []


def test_a_checkpoint_is_read_instead_of_the_files_it_covers() -> None:
    old, first = stored(("a", "A", "1", "a", False))
    new, second = stored(("b", "B", "2", "b", False))
    together = claims.encode(pl.concat([pl.read_parquet(old["f"]), pl.read_parquet(new["f"])]))
    checkpoint = Checkpoint(key="c", sha256=sha256_hex(together), count=2, covers=2)
    late = claims.encode(standing(("c", "C", "3", "c", False)))
    third = ClaimFile(key="l", sha256=sha256_hex(late), count=1, run_id="r", batches=("C",), context=CONTEXT)
    manifest = empty_manifest("g", "2023-06").model_copy(
        update={"files": (first, second, third), "checkpoint": checkpoint, "releases": ("A",)}
    )
    lake = {"c": together, "l": late}
    assert read_claims(manifest, lake.get)["key"].to_list() == ["b", "c"]
    with pytest.raises(AlteredClaim):
        read_claims(manifest, (lake | {"c": late}).get)
    assert manifest.file_of("A") == first
