"""The same people again, whatever file says so: recognised, told to the bureau, and claimed once."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
import xlsxwriter

from tests.unit.payout.watching import WorkerDied
from tests.unit.use_cases.desk import CODE, SETTINGS, Desk, sample
from yikatong import claims, parquet
from yikatong.batches import Batch
from yikatong.claimed_elsewhere import ClaimedElsewhere, overlap
from yikatong.claims import AlteredClaim
from yikatong.manifest import ClaimContext, ClaimFile, Manifest, claim_file_key, empty_manifest, manifest_key
from yikatong.payments import sha256_hex
from yikatong.ports import Stored
from yikatong.states import BatchState

GROUP, SLOT = "minimum-living", "2023-06"
OTHER_KEY = "2023/230102/2/又一份.csv"
Again = Callable[[bytes], bytes]


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def written(rows: list[list[str]], encoding: str = "utf-8", separator: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


def as_workbook(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for index, row in enumerate(rows_of(data)):
            sheet.write_row(index, 0, row)
    return buffer.getvalue()


def reversed_columns_and_rows(data: bytes) -> bytes:
    header, *rows = [row[::-1] for row in rows_of(data)]
    return written([header, *rows[::-1]])


AGAIN: dict[str, Again] = {
    "renamed": lambda data: data,
    "in-gb18030": lambda data: written(rows_of(data), "gb18030"),
    "in-utf-16-with-tabs": lambda data: written(rows_of(data), "utf-16", "\t"),
    "as-a-workbook": as_workbook,
    "in-another-order": reversed_columns_and_rows,
}
again = pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
changed = pytest.mark.parametrize("again", list(AGAIN.values())[1:], ids=list(AGAIN)[1:])


def claim(desk: Desk, batch: Batch, group: str = GROUP, slot: str = SLOT) -> None:
    """A run claims the batch's payable rows, as `claim_payments` writes it, and dies before it moves the batch."""
    rows = parquet.decode(desk.lake.get(batch.rows_key) or b"").filter(pl.col("status") == "payable")
    claimed = rows.select(
        "key",
        "beneficiary_id",
        "row",
        "amount_fen",
        "payee_id",
        batch_id=pl.lit(batch.batch_id),
        pay_account="account",
        attempt=pl.lit(1, pl.Int32),
    ).select(list(claims.CLAIM_COLUMNS))
    manifest = desk.control.read(Manifest, *manifest_key(group, slot)) or empty_manifest(group, slot)
    key = claim_file_key(group, slot, "run", manifest.version, "d")
    data = desk.lake.put_once(key, claims.encode(claimed), "d").data
    context = ClaimContext(as_of=date(2023, 6, 1), registry_version="")
    file = ClaimFile(
        key=key, sha256=sha256_hex(data), count=claimed.height, run_id="run", batches=(batch.batch_id,), context=context
    )
    desk.control.save(manifest.model_copy(update={"files": (*manifest.files, file)}))


def only_batch(desk: Desk) -> Batch:
    (batch,) = desk.batches()
    return batch


def other_than(desk: Desk, first: Batch) -> Batch:
    (batch,) = [each for each in desk.batches() if each.batch_id != first.batch_id]
    return batch


def counts(desk: Desk, batch: Batch) -> dict[str, int]:
    """What the report tells: how often each code."""
    document = json.loads(desk.reports.objects[f"{batch.batch_id}/findings.json"])
    found: dict[str, int] = dict(document.get("more", {}))
    for finding in document["findings"]:
        found[finding["code"]] = found.get(finding["code"], 0) + 1
    return found


def message(desk: Desk, batch: Batch, code: str) -> str:
    document = json.loads(desk.reports.objects[f"{batch.batch_id}/findings.json"])
    return next(str(finding["message"]) for finding in document["findings"] if finding["code"] == code)


@again
def test_the_same_rows_under_another_name_are_recognised_before_anybody_is_paid(again: Again) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    assert desk.arrive(again(data), key=OTHER_KEY) == "VALIDATED"
    second = other_than(desk, first)
    assert second.fingerprint == first.fingerprint != ""
    told = message(desk, second, "rows_known")
    assert first.batch_id in told
    assert "低保" not in told, "a file's name may be somebody's"
    assert "校验完成，待审批" in told
    assert "rows_known" not in counts(desk, first)


@again
def test_the_same_rows_after_they_were_claimed_pay_nobody_and_every_row_says_so(again: Again) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    claim(desk, first)
    desk.move(first, BatchState.CLAIMED)
    # Nobody made a mistake: the file is taken, however many of its rows were paid already.
    assert desk.arrive(again(data), key=OTHER_KEY) == "VALIDATED"
    second = other_than(desk, first)
    assert (second.payable.count, second.held.count, second.review.count) == (0, 0, 0)
    assert second.excluded.count == second.rows == first.rows
    assert counts(desk, second)["already_claimed"] == first.rows
    assert first.batch_id in message(desk, second, "already_claimed")
    assert "rows_known" in counts(desk, second)


@changed
def test_the_same_rows_under_the_same_name_replace_their_predecessor_and_are_payable_once(again: Again) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    desk.move(first, BatchState.BOUND)
    # Committed though the batch has not moved on yet: withdrawn with it, the claim must not leave its people unpaid.
    claim(desk, first)
    assert desk.arrive(again(data), sequencer="02", version="v2") == "VALIDATED"
    second = other_than(desk, first)
    assert second.payable == first.payable
    assert first.batch_id in message(desk, second, "rows_known")
    (withdrawn,) = [each for each in desk.batches() if each.batch_id == first.batch_id]
    assert (withdrawn.state, withdrawn.released) == (BatchState.WITHDRAWN, True)


@changed
def test_the_same_rows_under_the_same_name_are_refused_once_their_predecessor_is_claimed(again: Again) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    claim(desk, first)
    desk.move(first, BatchState.PUBLISHED)
    assert desk.arrive(again(data), sequencer="02", version="v2") == "REFUSED"
    second = other_than(desk, first)
    assert "不能再更正" in second.refusal
    assert counts(desk, second)["already_claimed"] == first.rows
    assert "rows_known" in counts(desk, second)


@changed
def test_an_older_version_of_the_same_rows_that_arrives_late_replaces_nothing(again: Again) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data, sequencer="02")
    newer = only_batch(desk)
    assert desk.arrive(again(data), sequencer="01", version="v0") == "REFUSED"
    assert desk.standing() == newer
    assert "更新的版本" in other_than(desk, newer).refusal
    assert newer.batch_id in message(desk, other_than(desk, newer), "rows_known")


def test_the_same_rows_for_another_region_are_another_batch_whose_people_are_told_apart_by_claims() -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    assert desk.arrive(data, key="2023/230103/2/低保.csv") == "VALIDATED"
    second = other_than(desk, first)
    assert second.payable == first.payable
    assert "rows_known" not in counts(desk, second)
    claim(desk, first)
    assert desk.arrive(data, key="2023/230104/2/低保.csv") == "VALIDATED"
    third = next(each for each in desk.batches() if each.region == "230104")
    assert third.payable.count == 0


@pytest.mark.parametrize(
    ("title", "other"), [("发放金额(元)", "521.00"), ("姓名", "又一人"), ("银行账号", "6231000000000000009")]
)
def test_a_roster_with_one_amount_name_or_account_changed_is_not_the_same(title: str, other: str) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    header, row, *rows = rows_of(data)
    row[header.index(title)] = other
    assert desk.arrive(written([header, row, *rows]), key=OTHER_KEY) == "VALIDATED"
    assert "rows_known" not in counts(desk, other_than(desk, first))


def test_withdrawn_rows_may_be_sent_again_under_a_new_name_without_a_word() -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    claim(desk, first)
    # Its releases are not written yet: it will pay nobody all the same (PROTOCOL W1).
    desk.move(first, BatchState.WITHDRAWN)
    assert desk.arrive(data, key=OTHER_KEY) == "VALIDATED"
    second = other_than(desk, first)
    assert second.payable == first.payable
    assert not {"rows_known", "already_claimed"} & counts(desk, second).keys()


def test_rural_rows_whose_people_were_claimed_as_urban_are_excluded() -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    claim(desk, only_batch(desk))
    desk.arrive(data, key="2023/230102/3/农村低保.csv")
    (rural,) = desk.control.query(Batch, "BATCHES#rural-minimum-living#formal")
    # Whoever claims twice made a mistake, other than a roster sent twice: a file full of them is refused.
    assert (rural.state, rural.payable.count) == (BatchState.REFUSED, 0)
    assert "城市最低生活保障金" in message(desk, rural, "exclusive_claimed")


def test_a_damaged_claim_file_is_swallowed_by_nobody_and_the_roster_waits_for_a_person() -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    first = only_batch(desk)
    claim(desk, first)
    key = claim_file_key(GROUP, SLOT, "run", 0, "d")
    stored = desk.lake.objects[key]
    desk.lake.objects[key] = (stored[0] + b"!", stored[1])
    with pytest.raises(AlteredClaim):
        desk.arrive(data, key=OTHER_KEY)
    assert other_than(desk, first).state is BatchState.RECEIVED
    desk.lake.objects[key] = stored
    assert desk.arrive(data, key=OTHER_KEY) == "VALIDATED", "the queue brings it again"
    assert other_than(desk, first).payable.count == 0


# --- which claims are looked at ---------------------------------------------------------------------------------------


def elsewhere(desk: Desk, code: str) -> ClaimedElsewhere:
    return ClaimedElsewhere(desk.control, desk.lake, SETTINGS, SETTINGS.for_subsidy(code))


def test_exclusive_subsidies_are_looked_at_for_overlapping_slots_of_whatever_frequency() -> None:
    desk = Desk()
    desk.arrive(sample().roster_csv())
    urban = only_batch(desk)
    claim(desk, urban)
    destitute = elsewhere(desk, "rural-destitute-living")
    for slot in ("2023-06", "2023Q2", "2023H1", "2023"):
        found = destitute.of_slot(slot)
        assert found.height == urban.rows, slot
        assert found.select("code", "slot").unique().rows() == [(CODE, SLOT)]
    assert destitute.of_slot("2023-07").is_empty()
    assert elsewhere(desk, "rural-minimum-living").of_slot(SLOT).height == urban.rows
    assert elsewhere(desk, "rural-minimum-living").of_slot("2023-05").is_empty()
    assert elsewhere(desk, "corn-producer").of_slot(SLOT).is_empty()


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("2023-06", "2023-06", True),
        ("2023-06", "2023-07", False),
        ("2023Q2", "2023H1", True),
        ("2023Q3", "2023H1", False),
        ("2023", "2023#FLOOD-08", True),
        ("2022", "2023-01", False),
    ],
)
def test_slots_overlap_when_they_have_a_month_in_common(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is both


def test_a_batchs_counts_are_its_frozen_rows_though_somebody_was_claimed_between_two_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data, key=OTHER_KEY)
    other, save = only_batch(desk), desk.control.save

    def die_at_the_end(*items: Stored) -> None:
        if any(isinstance(item, Batch) and item.state is BatchState.VALIDATED for item in items):
            raise WorkerDied
        save(*items)

    with monkeypatch.context() as first_try:
        first_try.setattr(desk.control, "save", die_at_the_end)
        with pytest.raises(WorkerDied):
            desk.arrive(data)
    claim(desk, other)
    assert desk.arrive(data) == "VALIDATED"
    (batch,) = (batch for batch in desk.batches() if batch.batch_id != other.batch_id)
    stored = desk.lake.get(batch.rows_key) or b""
    assert sha256_hex(stored) == batch.rows_sha256
    statuses = parquet.decode(stored)["status"]
    assert set(statuses) == {"excluded"}
    assert (batch.excluded.count, batch.payable.count) == (len(statuses), 0)
