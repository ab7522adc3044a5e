"""Ids are the same on every retry, differ wherever they must, and fit the bank's fields."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from yikatong.payments import (
    PAYMENT_ID_LENGTH,
    batch_id,
    content_sha256,
    digest_of,
    end_to_end_id,
    payment_id,
    run_id,
    sha256_hex,
    sorted_digest,
    split_batch_id,
    trial_payment_id,
)

SECRET = b"never rotated"
KEY = "230102194312123261"


def test_a_payments_id_is_pinned() -> None:
    """It must come out the same for ever: a changed id would be a second payment."""
    assert payment_id(SECRET, "urban-minimum-living", "2023-06", KEY) == "RDBXKV2MP3BI6KZYCSSWNVZOKS"


def test_the_same_person_slot_and_subsidy_have_one_id_and_any_other_another() -> None:
    ids = {
        payment_id(SECRET, code, slot, key)
        for code in ("a", "b")
        for slot in ("2023-06", "2023-07")
        for key in (KEY, KEY[:-1] + "X")
    }
    assert len(ids) == 8
    assert payment_id(SECRET, "a", "2023-06", KEY) in ids
    assert payment_id(b"other", "a", "2023-06", KEY) not in ids


def test_a_trials_id_is_marked_and_is_of_that_batch_alone() -> None:
    one = trial_payment_id(SECRET, "a", "2023-06", KEY, "batch-1")
    assert one.startswith("T")
    assert one != trial_payment_id(SECRET, "a", "2023-06", KEY, "batch-2")
    assert one[1:] != payment_id(SECRET, "a", "2023-06", KEY)


@given(st.integers(1, 999), st.text(min_size=1, max_size=40), st.booleans())
def test_an_end_to_end_id_fits_35_plain_characters(attempt: int, key: str, trial: bool) -> None:
    one = trial_payment_id(SECRET, "a", "s", key, "b") if trial else payment_id(SECRET, "a", "s", key)
    assert len(one) == PAYMENT_ID_LENGTH + trial
    assert re.fullmatch(r"[A-Z0-9]+-[0-9]+", end_to_end_id(one, attempt))
    assert len(end_to_end_id(one, attempt)) <= 35


@given(st.lists(st.text(alphabet="ab|", max_size=3), min_size=2, max_size=4))
def test_a_digest_keeps_its_parts_apart(parts: list[str]) -> None:
    joined = digest_of("".join(parts))
    assert (digest_of(*parts) == joined) == (len(parts) == 1)


def test_a_digest_of_a_set_does_not_depend_on_its_order() -> None:
    assert sorted_digest(["b", "a"]) == sorted_digest(["a", "b"]) != sorted_digest(["a"])


def test_a_file_on_disk_has_the_hash_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5_000
    (tmp_path / "roster").write_bytes(content)
    assert content_sha256(tmp_path / "roster") == content_sha256(content) == sha256_hex(content)


def test_a_batch_is_its_plan_subsidy_region_mode_key_and_content() -> None:
    same = (2023, "code", "230102", "formal", "2023/230102/2/a.csv", "0" * 64)
    ids = {batch_id(*same)}
    others = (2024, "other", "230103", "trial", "2023/230102/2/b.csv", "1" * 64)
    for place, other in enumerate(others):
        ids.add(batch_id(*(other if n == place else part for n, part in enumerate(same))))  # type: ignore[arg-type]
    assert len(ids) == 7
    assert split_batch_id(batch_id(*same)) == ("code", "formal", "230102")


def test_a_runs_name_fits_an_execution_with_its_attempts() -> None:
    name = run_id("severe-disability-care", "20230612", "formal", "x" * 32)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,76}", name)
