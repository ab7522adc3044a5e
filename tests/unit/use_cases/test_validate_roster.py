"""A roster arrives: which batch it is, whose it is, what it replaces, and what the bureau hears of it."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from tests.unit.use_cases.desk import BOOK, KEY, SETTINGS, Desk, sample
from yikatong.batches import (
    Batch,
    Occasion,
    Tally,
    batches_pk,
    occasion_key,
    review_key,
)
from yikatong.roster.reading import MAX_FILE_BYTES
from yikatong.roster.sample import make_sample
from yikatong.states import BatchState
from yikatong.uploads import Upload, upload_key


def test_an_accepted_roster_is_frozen_with_its_hash_version_counts_and_sums() -> None:
    desk, made = Desk(), sample(faults=0.1)
    desk.cards(made.cards_csv())
    assert desk.arrive(made.roster_csv()) == "VALIDATED"
    (batch,) = desk.batches()
    assert batch.rows == batch.payable.count + batch.held.count + batch.review.count + batch.excluded.count
    assert batch.held.count > 0
    assert batch.excluded.count > 0
    assert batch.payable.fen > 0
    assert (batch.object_version, batch.uploader, batch.slots) == ("v1", "drop:230102", ("2023-06",))
    assert desk.lake.get(batch.rows_key) is not None
    review = json.loads(desk.lake.get(review_key(batch.rows_key)) or b"")
    assert Tally(count=len(review), fen=sum(row["fen"] for row in review)) == batch.review


def test_the_report_stands_beside_the_batch() -> None:
    desk, made = Desk(), sample(faults=0.1)
    desk.arrive(made.roster_csv())
    (batch,) = desk.batches()
    document = json.loads(desk.reports.objects[f"{batch.batch_id}/findings.json"])
    assert (document["accepted"], document["state"], document["rows"]) == (True, "VALIDATED", batch.rows)
    assert document["findings"]
    assert desk.reports.objects[batch.report_key].startswith(b"PK")


def test_an_unreadable_roster_is_refused_with_its_reason() -> None:
    desk = Desk()
    assert desk.arrive(b"%PDF-1.7 not a roster") == "REFUSED"
    (batch,) = desk.batches()
    assert "PDF" in batch.refusal
    assert batch.rows_key == ""


def test_the_same_delivery_again_is_recognised() -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    before = dict(desk.control.items)
    assert desk.arrive(data) == "replayed"
    assert desk.control.items == before


@pytest.mark.parametrize("state", ["APPROVED", "CLAIMED", "PUBLISHED"])
def test_the_same_file_sent_again_after_its_approval_is_recognised(state: str) -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    desk.move(desk.batches()[0], BatchState(state))
    before = desk.batches()
    assert desk.arrive(data, sequencer="02", version="v2") == "replayed"
    assert desk.batches() == before


def test_the_same_file_sent_again_before_its_approval_is_judged_by_what_holds_then() -> None:
    desk, made = Desk(), sample(faults=0.1)
    desk.arrive(made.roster_csv())
    (before,) = desk.batches()
    assert (before.cards_checked, before.held.count) == (False, 0)
    desk.cards(made.cards_csv())
    assert desk.arrive(made.roster_csv(), sequencer="02", version="v2") == "VALIDATED"
    (after,) = desk.batches()
    assert after.cards_checked
    assert after.held.count > 0
    assert after.object_version == "v2"
    assert after.rows_key != before.rows_key


def test_a_refused_file_sent_again_once_its_cause_is_gone_is_accepted() -> None:
    desk = Desk()
    subsidy = BOOK.subsidy(2023, 11)
    relief = make_sample(
        subsidy=subsidy,
        settings=SETTINGS.for_subsidy(subsidy.code),
        region="230102",
        rows=20,
        slots=["2023#FLOOD"],
        seed=1,
    )
    key = "2023/230102/11/救助.csv"
    assert desk.arrive(relief.roster_csv(), key=key) == "REFUSED"
    pk, sk = occasion_key("temporary-relief", "2023#FLOOD")
    opened = Occasion(
        pk=pk,
        sk=sk,
        code="temporary-relief",
        slot="2023#FLOOD",
        title="洪涝",
        region="230000",
        first="2023-06-01",
        last="2023-12-31",
        opened_by="department",
    )
    desk.control.save(opened)
    assert desk.arrive(relief.roster_csv(), key=key, sequencer="02", version="v2") == "VALIDATED"
    (batch,) = desk.control.query(Batch, batches_pk("temporary-relief", "formal"))
    assert batch.refusal == ""


def test_a_refused_file_replaces_nothing() -> None:
    desk = Desk()
    desk.arrive(sample(1).roster_csv())
    first = desk.standing()
    assert desk.arrive(b"not a roster at all", sequencer="02") == "REFUSED"
    assert desk.standing() == first


def test_another_months_roster_under_an_old_name_withdraws_nobody() -> None:
    desk = Desk()
    desk.arrive(sample(1).roster_csv())
    june = desk.standing()
    desk.move(june, BatchState.APPROVED)
    assert desk.arrive(sample(1, slot="2023-07").roster_csv(), sequencer="02") == "REFUSED"
    assert desk.standing().batch_id == june.batch_id
    assert desk.standing().state is BatchState.APPROVED
    july = next(batch for batch in desk.batches() if batch.batch_id != june.batch_id)
    assert "2023-06" in july.refusal
    assert "新文件名" in july.refusal


def test_a_delivery_that_died_half_way_is_finished_by_the_next() -> None:
    desk, data = Desk(), sample().roster_csv()
    save = desk.control.save
    saved = 0

    def dying(*items: object) -> None:
        nonlocal saved
        saved += 1
        if saved == 2:
            raise ConnectionError
        save(*items)  # type: ignore[arg-type]

    desk.control.save = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        desk.arrive(data)
    assert desk.batches()[0].state is BatchState.RECEIVED
    assert desk.arrive(data) == "VALIDATED"


@pytest.mark.parametrize("state", ["VALIDATED", "APPROVED", "BOUND"])
def test_a_correction_withdraws_its_predecessor_that_is_not_claimed(state: str) -> None:
    desk = Desk()
    desk.arrive(sample(1).roster_csv())
    desk.move(desk.batches()[0], BatchState(state))
    assert desk.arrive(sample(2).roster_csv(), sequencer="02") == "VALIDATED"
    states = {batch.state for batch in desk.batches()}
    assert states == {BatchState.WITHDRAWN, BatchState.VALIDATED}
    assert desk.standing().state is BatchState.VALIDATED


@pytest.mark.parametrize("state", ["CLAIMED", "INSTRUCTED", "SETTLED", "PUBLISHED"])
def test_a_correction_of_a_claimed_roster_is_refused_with_the_reason(state: str) -> None:
    desk = Desk()
    desk.arrive(sample(1).roster_csv())
    first = desk.batches()[0]
    desk.move(first, BatchState(state))
    assert desk.arrive(sample(2).roster_csv(), sequencer="02") == "REFUSED"
    refused = next(batch for batch in desk.batches() if batch.batch_id != first.batch_id)
    assert "不能再更正" in refused.refusal
    assert desk.standing().state is BatchState(state)


def test_an_older_version_that_arrives_late_does_not_replace_the_newer_one() -> None:
    desk = Desk()
    desk.arrive(sample(2).roster_csv(), sequencer="02")
    newer = desk.batches()[0]
    assert desk.arrive(sample(1).roster_csv(), sequencer="01") == "REFUSED"
    assert desk.standing().batch_id == newer.batch_id
    assert desk.standing().state is BatchState.VALIDATED


def test_going_back_to_withdrawn_content_is_answered() -> None:
    desk = Desk()
    desk.arrive(sample(1).roster_csv())
    desk.arrive(sample(2).roster_csv(), sequencer="02", version="v2")
    assert desk.arrive(sample(1).roster_csv(), sequencer="03", version="v3") == "replayed"
    assert "另存为新文件名" in desk.reports.objects[f"misplaced/{KEY}.txt"].decode()


def test_the_same_roster_for_another_region_mode_or_key_is_another_batch() -> None:
    desk, data = Desk(), sample().roster_csv()
    desk.arrive(data)
    desk.arrive(data, key="2023/230103/2/低保.csv")
    desk.arrive(data, key="2023/230102/2/低保-2.csv")
    assert len(desk.batches()) == 3


def test_whoever_asked_for_the_upload_is_the_uploader() -> None:
    desk = Desk()
    pk, sk = upload_key("secret")
    desk.control.save(Upload(pk=pk, sk=sk, upload_id="secret", principal="harbin-clerk", object_key=KEY, mode="formal"))
    assert desk.arrive(sample().roster_csv(), upload="secret") == "VALIDATED"
    assert desk.batches()[0].uploader == "harbin-clerk"


@pytest.mark.parametrize(
    ("key", "mode", "upload"),
    [
        (KEY, "formal", "guessed"),
        ("2023/230103/2/低保.csv", "formal", "secret"),
        (KEY, "trial", "secret"),
        ("低保.csv", "formal", ""),
        ("2023/110101/2/低保.csv", "formal", ""),
        ("2023/230199/2/低保.csv", "formal", ""),
        ("2023/230102/46/低保.csv", "formal", ""),
        ("2022/230102/2/低保.csv", "formal", ""),
        (KEY, "both", ""),
    ],
)
def test_a_file_that_belongs_nowhere_makes_no_batch_and_says_why(key: str, mode: str, upload: str) -> None:
    desk = Desk()
    pk, sk = upload_key("secret")
    desk.control.save(Upload(pk=pk, sk=sk, upload_id="secret", principal="harbin-clerk", object_key=KEY, mode="formal"))
    assert desk.arrive(sample().roster_csv(), key=key, mode=mode, upload=upload) == "misplaced"
    assert desk.batches() == desk.batches("trial") == []
    assert desk.reports.objects[f"misplaced/{key}.txt"].decode()


@pytest.mark.parametrize("name", ["张三丰230102199001011234.csv", "a\nb.csv", "=cmd!A0.csv", "低保 6月.csv"])
def test_a_roster_dropped_without_asking_is_refused_for_a_name_that_no_upload_would_be_granted_for(name: str) -> None:
    desk = Desk()
    assert desk.arrive(sample().roster_csv(), key=f"2023/230102/2/{name}") == "misplaced"
    assert desk.batches() == []
    ((key, told),) = desk.reports.objects.items()
    assert key.startswith("misplaced/")
    assert "文件名" in told.decode()
    assert name not in key + told.decode(), "the name may be somebody's"


def test_a_roster_on_disk_is_the_batch_its_bytes_are(tmp_path: Path) -> None:
    desk, content, file = Desk(), sample(faults=0.1).roster_csv(), tmp_path / "roster"
    file.write_bytes(content)
    assert desk.arrive(file) == "VALIDATED"
    (batch,) = desk.batches()
    report = zipfile.ZipFile(io.BytesIO(desk.reports.objects[batch.report_key]))
    assert "原行号".encode() in report.read("xl/sharedStrings.xml")
    assert desk.arrive(content) == "replayed"


def test_a_file_too_large_is_not_even_read() -> None:
    desk = Desk()
    assert desk.arrive(b"", size=MAX_FILE_BYTES + 1) == "misplaced"
    assert "拆分" in desk.reports.objects[f"misplaced/{KEY}.txt"].decode()


def test_a_trial_under_the_same_name_is_no_correction_of_the_formal_roster() -> None:
    desk = Desk()
    subsidy = BOOK.subsidy(2023, 17)
    made = make_sample(
        subsidy=subsidy,
        settings=SETTINGS.for_subsidy(subsidy.code),
        region="230102",
        rows=20,
        slots=["2023-06"],
        seed=1,
    )
    key = "2023/230102/17/困难残疾人.csv"
    assert desk.arrive(made.roster_csv(), key=key) == "VALIDATED"
    assert desk.arrive(made.roster_csv(), key=key, mode="trial", sequencer="02") == "VALIDATED"
    code = "disabled-hardship-living"
    states = [
        batch.state for mode in ("formal", "trial") for batch in desk.control.query(Batch, batches_pk(code, mode))
    ]
    assert states == [BatchState.VALIDATED, BatchState.VALIDATED]


def test_a_version_older_than_a_replay_replaces_nothing() -> None:
    """A approved, A sent again, and only then the event of the B between them."""
    desk = Desk()
    desk.arrive(sample(1).roster_csv(), sequencer="01")
    first = desk.standing()
    desk.move(first, BatchState.APPROVED)
    assert desk.arrive(sample(1).roster_csv(), sequencer="03", version="v3") == "replayed"
    assert desk.arrive(sample(2).roster_csv(), sequencer="02", version="v2") == "REFUSED"
    assert desk.standing().batch_id == first.batch_id
    assert desk.standing().state is BatchState.APPROVED


def two_sheets() -> bytes:
    """A workbook of two rosters, of May and of June."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False}) as book:
        for name, seed in (("五月", 1), ("六月", 2)):
            sheet = book.add_worksheet(name)
            for index, row in enumerate(csv.reader(io.StringIO(sample(seed).roster_csv().decode("utf-8-sig")))):
                sheet.write_row(index, 0, row)
    return buffer.getvalue()


def test_the_named_sheet_of_a_workbook_is_read_and_another_one_needs_another_file_name() -> None:
    desk, data, key = Desk(), two_sheets(), "2023/230102/2/低保.xlsx"
    assert desk.arrive(data, key=key) == "REFUSED"
    assert desk.arrive(data, key=key, sequencer="02", version="v2", sheet="六月") == "VALIDATED"
    (batch,) = desk.batches()
    assert (batch.sheet, batch.rows, batch.refusal) == ("六月", 200, "")
    desk.move(batch, BatchState.APPROVED)
    assert desk.arrive(data, key=key, sequencer="03", version="v3", sheet="五月") == "replayed"
    told = desk.reports.objects[f"misplaced/{key}.txt"].decode()
    assert "“五月”，请另存为新文件名" in told
    assert batch.batch_id in told
    assert desk.arrive(data, key="2023/230102/2/低保-五月.xlsx", sheet="五月") == "VALIDATED"
    assert len({each.fingerprint for each in desk.batches()}) == 2
