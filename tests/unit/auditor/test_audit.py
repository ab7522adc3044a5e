"""The audit is clean on a whole story, and whoever tampers with one thing is named by exactly that thing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import auditor
from auditor.check_records import key_mark
from auditor.differences import KINDS
from auditor.source import NoEvidence
from infra.local.bank.answers import receipt
from tests.unit.auditor.world import HELD, PEOPLE, RETURNED, SHARED, World, funds, world, world_of
from tests.unit.payout.rosters import CODE, end_to_end
from tests.unit.payout.test_receipts import answer_of
from tests.unit.payout.test_rulings import ONE, frozen, rule
from tests.unit.payout.test_rulings import recover as recover_money
from yikatong.ledger import event_key
from yikatong.roster.people import Person


def paid(person: Person) -> str:
    return end_to_end(person)


def last_event(told: World, audit_id: str) -> str:
    return max(told.keys("audit", f"audit/{audit_id}/"))


def more(column: str, by: int, row: int = 0) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """One row's number in a column is greater by so much."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        here = pl.int_range(pl.len()) == row
        return frame.with_columns(pl.when(here).then(pl.col(column) + by).otherwise(pl.col(column)).alias(column))

    return change


def doubled(frame: pl.DataFrame) -> pl.DataFrame:
    """The first row stands there once more."""
    return pl.concat([frame, frame.head(1)])


# --- nothing was tampered with ----------------------------------------------------------------------------------------


def test_a_story_with_everything_in_it_is_clean() -> None:
    told = world()
    report = told.audit()
    assert report.differences == ()
    assert report.notes == ()
    assert (report.batches, report.payments, report.with_bank) == (6, 23, True)


def test_the_sheet_shows_each_persons_fate_and_three_sums_that_agree() -> None:
    told = world()
    (daoli, nangang, trial) = told.audit().sheet
    counts = {name: part.count for name, part in daoli.columns.items() if part.count}
    # The held row is counted in the child that paid it; what failed stays where it failed, and is settled in the reissue.
    assert counts == {"passed_on": 1, "rejected": 2, "settled": 10, "returned": 1}
    assert daoli.rows.count == 13
    assert daoli.persons["settled"] == 9
    assert {name: part.count for name, part in nangang.columns.items() if part.count} == {"not_sent": 1, "settled": 3}
    assert told.books is not None
    net = told.books[0]["moved_fen"] - told.books[0]["returned_fen"]
    for sums in ("net_platform_fen", "net_rebuilt_fen", "net_bank_fen"):
        assert getattr(daoli, sums) + getattr(nangang, sums) == net
    assert (trial.formal, trial.columns["settled"].count) == (False, 8)


def test_a_bank_without_a_book_is_said_and_is_no_difference() -> None:
    told = world()
    told.books = None
    report = told.audit()
    assert report.clean
    assert "没有开放自己的账簿" in report.notes[0]
    assert {line.net_bank_fen for line in report.sheet} == {None}


def test_one_run_is_audited_with_the_batches_it_is_tied_to() -> None:
    told = world()
    report = told.audit(run_id=f"{CODE}-20230612-formal-sched")
    assert report.clean
    # Two batches of the run, and the child of the one.
    assert report.batches == 3
    funds(told, "230102")["spent_fen"] += 1
    assert told.audit(run_id=f"{CODE}-20230612-formal-sched").clean, (
        "funds are everybody's: audited with everything only"
    )
    with pytest.raises(NoEvidence):
        told.audit(run_id="no-such-run")


def test_a_difference_of_another_run_is_not_named_in_the_audit_of_one() -> None:
    told = world()
    told.rewrite(told.batch("trial")["instruction"]["payments_key"], more("amount_fen", 1))
    assert told.audit(run_id=f"{CODE}-20230612-formal-sched").clean
    assert told.names() == {"instruction_altered"}


def test_nothing_to_look_at_is_no_clean_audit() -> None:
    with pytest.raises(NoEvidence):
        World({"lake": {}, "audit": {}}, {"control": [], "records": []}, None).audit()


def test_no_difference_names_anybody() -> None:
    told = world()
    told.rewrite(told.batch("first")["rows_key"], more("amount_fen", 1), sign=True)
    for message in told.keys("lake", "instructions/"):
        if message.endswith(".xml"):
            told.replace(message, "<Nm>", "<Nm>某")
    for entry in told.payments.values():
        entry["account"], entry["credited_times"] = "6217", entry["credited_times"] + 1
    told.tables["records"].pop()
    words = " ".join(f"{each.where} {each.expected} {each.found}" for each in told.audit().differences)
    assert len(words) > 1000
    secrets = [text for person in PEOPLE for text in (person.id_number, person.name, person.account)]
    assert not [text for text in secrets if text in words]


# --- evidence that was altered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key_of", "name"),
    [
        (lambda batch: batch["rows_key"], "roster_altered"),
        (lambda batch: batch["selection"]["key"], "selection_altered"),
        (lambda batch: batch["instruction"]["payments_key"], "instruction_altered"),
        (lambda batch: batch["settlement"]["key"], "settlement_altered"),
    ],
)
def test_a_file_that_is_not_the_one_the_batch_names(key_of: Callable[[Any], str], name: str) -> None:
    told = world()
    key = key_of(told.batch("first"))
    told.rewrite(key, more("amount_fen", 1))
    assert told.names() == {name}
    del told.buckets["lake"][key]
    assert told.names() == {name}
    told.buckets["lake"][key] = b"PAR1"
    assert told.names() == {name}


def test_a_claim_files_row_is_altered() -> None:
    told = world()
    told.rewrite(told.of_kind("MANIFEST")[0]["files"][0]["key"], more("amount_fen", 1))
    assert told.names() == {"claim_altered"}


def test_files_of_a_batch_that_is_not_in_the_table() -> None:
    told = world()
    told.tables["control"].remove(told.batch("trial"))
    (run,) = (one for one in told.of_kind("RUNS") if one["mode"] == "trial")
    told.tables["control"].remove(run)
    names = told.names()
    assert {"evidence_without_batch", "mark_without_message", "chain_differs"} <= names
    assert names <= {"evidence_without_batch", "mark_without_message", "chain_differs", "bank_unknown_payment",
                     "root_differs"}  # fmt: skip


def test_a_receipt_that_nobody_can_read() -> None:
    told = world()
    told.buckets["lake"][f"receipts/{told.ids['first']}/enquired-0.xml"] = b"<Document>"
    assert told.names() == {"receipt_unreadable"}


# --- rosters, approvals, selections -----------------------------------------------------------------------------------


def test_an_amount_of_the_frozen_roster_and_its_hash_are_changed() -> None:
    told = world()
    told.rewrite(told.batch("other")["rows_key"], more("amount_fen", 100), sign=True)
    assert told.names() == {
        "roster_counts_differ", "approval_differs", "rows_not_balanced", "selection_not_approved", "claim_of_no_row",
        "chain_differs", "chain_evidence_differs",
    }  # fmt: skip


def test_the_approvals_sum_is_changed() -> None:
    told = world()
    told.batch("other")["approval"]["payable"]["fen"] += 1
    assert told.names() == {"approval_differs", "chain_differs"}


def test_a_row_is_selected_that_nobody_approved() -> None:
    told = world()
    key = told.batch("other")["selection"]["key"]
    told.rewrite(key, more("row", 100), sign=True)
    assert {"selection_not_approved", "sent_without_claim", "claim_not_selected"} <= told.names()


def test_the_selections_tallies_and_reasons_are_changed() -> None:
    told = world()
    told.batch("other")["selection"]["not_sent"]["count"] += 1
    assert told.names() == {"selection_counts_differ", "chain_differs"}
    told = world()
    told.rewrite(told.batch("other")["selection"]["key"], lambda rows: rows.with_columns(reason=pl.lit("")), sign=True)
    assert told.names() == {"reason_missing", "chain_differs", "chain_evidence_differs"}


# --- claims -----------------------------------------------------------------------------------------------------------


def claims(told: World) -> tuple[str, Any]:
    manifest = told.of_kind("MANIFEST")[0]
    return manifest["files"][0]["key"], manifest


def test_somebody_is_claimed_twice() -> None:
    told = world()
    key, _ = claims(told)
    told.rewrite(key, doubled, sign=True)
    told.of_kind("MANIFEST")[0]["files"][0]["count"] += 1
    assert told.names() == {"claimed_twice"}


def test_somebody_is_claimed_once_as_a_household_and_once_as_a_person() -> None:
    told = world()
    key, _ = claims(told)
    owner, other = (told.frame(key)["beneficiary_id"][at] for at in (0, 1))
    told.rewrite(key, lambda rows: rows.with_columns(pl.col("beneficiary_id").replace(owner, other)), sign=True)
    assert told.names() == {"claimed_twice", "claim_of_no_row", "sent_without_claim", "claim_not_selected"}


def test_a_row_is_sent_without_its_claim() -> None:
    told = world()
    key, _ = claims(told)
    told.rewrite(key, lambda rows: rows.slice(1), sign=True)
    told.of_kind("MANIFEST")[0]["files"][0]["count"] -= 1
    assert told.names() == {"sent_without_claim"}


def test_a_claims_amount_is_not_the_rows() -> None:
    told = world()
    key, _ = claims(told)
    told.rewrite(key, more("amount_fen", 1), sign=True)
    assert told.names() == {"claim_of_no_row", "sent_without_claim", "claim_not_selected"}


def test_a_release_is_struck_out_and_another_is_made_up() -> None:
    told = world()
    manifest = told.of_kind("MANIFEST")[0]
    assert manifest["releases"] == [told.ids["withdrawn"]]
    manifest["releases"] = []
    assert told.names() == {"release_missing"}
    manifest["releases"] = [told.ids["withdrawn"], told.ids["child"]]
    assert told.names() == {"release_without_withdrawal", "sent_without_claim"}


def test_a_checkpoint_says_something_else_than_its_files() -> None:
    told = world()
    manifest = told.of_kind("MANIFEST")[0]
    first = manifest["files"][0]
    manifest["checkpoint"] = {**{name: first[name] for name in ("key", "sha256", "count")}, "covers": 1}
    assert told.names() == set(), "a checkpoint of one file is that file"
    manifest["checkpoint"]["covers"] = 2
    assert told.names() == {"checkpoint_altered"}


# --- instructions -----------------------------------------------------------------------------------------------------


def test_an_instruction_has_a_row_too_many() -> None:
    told = world()
    key = told.batch("other")["instruction"]["payments_key"]
    one = told.frame(key)["end_to_end_id"][0]
    told.rewrite(key, doubled, sign=True)
    names = told.names()
    assert {"instruction_not_selected", "attempt_repeated", "rows_not_balanced", "chain_differs"} <= names
    assert [each for each in told.audit().differences if each.name == "attempt_repeated" and each.where == one]


def test_two_people_share_a_payment_id() -> None:
    told = world()
    key = told.batch("other")["instruction"]["payments_key"]
    one, other = told.frame(key)["payment_id"][0], told.frame(key)["payment_id"][1]
    told.rewrite(key, lambda rows: rows.with_columns(pl.col("payment_id").replace(one, other)), sign=True)
    assert told.names() == {"payment_id_shared", "paid_too_much", "chain_differs", "chain_evidence_differs"}


def message_of(told: World, name: str) -> str:
    (message,) = told.batch(name)["instruction"]["messages"]
    return f"instructions/{told.ids[name]}/{message}.xml"


def test_a_messages_amount_is_changed() -> None:
    told = world()
    told.replace(message_of(told, "other"), '<InstdAmt Ccy="CNY">', '<InstdAmt Ccy="CNY">1')
    assert told.names() == {"message_lines_differ", "message_total_differs"}


def test_a_messages_account_is_changed() -> None:
    told = world()
    told.replace(message_of(told, "other"), "<CdtrAcct><Id><Othr><Id>", "<CdtrAcct><Id><Othr><Id>9")
    assert told.names() == {"message_lines_differ"}


def test_a_messages_total_is_changed() -> None:
    told = world()
    told.replace(message_of(told, "other"), "<CtrlSum>", "<CtrlSum>1")
    assert told.names() == {"message_total_differs"}


def test_a_message_is_gone_or_there_is_one_more() -> None:
    told = world()
    body = told.buckets["lake"].pop(message_of(told, "other"))
    assert told.names() == {"message_unreadable"}
    told = world()
    told.buckets["lake"][message_of(told, "other").replace("-0001", "-0002")] = body
    assert told.names() == {"messages_differ"}


def test_a_message_leaves_that_no_batch_ordered() -> None:
    told = world()
    told.buckets["lake"]["sent/F0123456789abcdef-0001"] = json.dumps({"batch_id": told.ids["withdrawn"]}).encode()
    assert told.names() == {"mark_without_message"}


# --- settlements, recoveries, funds -----------------------------------------------------------------------------------


def test_a_settlements_tally_is_changed() -> None:
    told = world()
    told.batch("other")["settlement"]["settled"]["fen"] += 1
    assert told.names() == {"settlement_differs", "chain_differs"}


def test_an_amount_in_a_settlement_and_its_hash_are_changed() -> None:
    told = world()
    told.rewrite(told.batch("other")["settlement"]["key"], more("amount_fen", 1), sign=True)
    assert told.names() == {"settlement_rows_differ", "chain_differs", "chain_evidence_differs"}


def test_the_bank_said_rejected_where_the_platform_says_settled() -> None:
    told = world()
    (key,) = told.keys("lake", f"receipts/{told.ids['other']}/")
    told.replace(key, "<TxSts>ACSC</TxSts>", "<TxSts>RJCT</TxSts>")
    assert told.names() == {
        "settlement_differs", "settlement_rows_differ", "funds_differ", "closing_differs", "record_differs",
        "bank_outcome_differs",
    }  # fmt: skip


def recover(told: World, name: str, one: str, fen: int) -> None:
    body = json.dumps({"end_to_end_id": one, "amount_fen": fen})
    told.buckets["lake"][f"recoveries/{told.ids[name]}/{one}-1.json"] = body.encode()


def test_a_recovery_that_the_batch_and_the_funds_do_not_know() -> None:
    told = world()
    recover(told, "first", paid(SHARED), 100)
    assert told.names() == {"recovered_differs", "funds_differ"}
    told.batch("first")["recovered"] = {"count": 1, "fen": 100}
    funds(told, "230102")["spent_fen"] -= 100
    assert told.names() == {"chain_differs"}
    assert told.audit().sheet[0].recovered.fen == 100


def test_a_payment_that_is_frozen_ruled_on_and_recovered_is_clean_all_the_way() -> None:
    house, batch_id, _ = frozen()
    told = world_of(house, {"first": batch_id})
    assert told.names() == set(), "frozen: in doubt on both sides"
    rule(house, batch_id, ONE, "settled")
    recover_money(house, batch_id, ONE, 100)
    told = world_of(house, {"first": batch_id})
    report = told.audit()
    assert report.differences == ()
    assert report.sheet[0].recovered.fen == 100


def test_a_ruling_is_struck_out_or_turned_round() -> None:
    house, batch_id, _ = frozen()
    rule(house, batch_id, ONE, "settled")
    told = world_of(house, {"first": batch_id})
    told.replace(f"rulings/{batch_id}/{ONE}-1.json", '"settled"', '"rejected"')
    assert {"settlement_differs", "record_differs", "bank_outcome_differs"} <= told.names()
    del told.buckets["lake"][f"rulings/{batch_id}/{ONE}-1.json"]
    assert {"settlement_differs", "record_differs", "reserved_differs"} <= told.names()


def test_more_is_recovered_than_was_paid() -> None:
    told = world()
    recover(told, "first", paid(RETURNED), 1)
    assert {"recovered_too_much", "recovered_differs"} <= told.names()


def test_funds_say_another_sum() -> None:
    told = world()
    funds(told, "230102")["spent_fen"] += 1
    assert told.names() == {"funds_differ", "chain_differs"}
    told = world()
    funds(told, "230102")["allocated_fen"] = 1
    assert told.names() == {"funds_exceeded", "chain_differs"}
    told = world()
    told.tables["control"].remove(funds(told, "230103"))
    assert told.names() == {"funds_missing", "chain_differs", "root_differs"}


def test_a_batch_keeps_money_reserved_that_it_does_not_hold() -> None:
    told = world()
    told.batch("other")["reserved_fen"] = 500
    assert told.names() == {"reserved_differs", "chain_differs"}


def test_a_trial_holds_money_is_published_and_claims() -> None:
    told = world()
    told.batch("trial")["reserved_fen"] = 1
    assert told.names() == {"trial_holds_money", "chain_differs"}
    told = world()
    one = told.frame(told.batch("trial")["instruction"]["payments_key"])["end_to_end_id"][0]
    told.tables["records"].append({**told.tables["records"][0], "sk": f"2023-06#{one}#beneficiary"})
    assert told.names() == {"trial_published"}
    told = world()
    told.payments[one] = {**told.payments[paid(SHARED)]}
    assert told.names() == {"trial_moved_money"}
    told = world()
    key, _ = claims(told)
    told.rewrite(key, lambda rows: rows.with_columns(batch_id=pl.lit(told.ids["trial"])), sign=True)
    assert "claim_of_trial" in told.names()


# --- runs -------------------------------------------------------------------------------------------------------------


CLOSING = f"runs/{CODE}-20230612-formal-sched/closing.json"


def test_a_closing_file_is_changed_or_gone() -> None:
    told = world()
    document = json.loads(told.buckets["lake"][CLOSING])
    (line,) = (each for each in document["lines"] if each["batch_id"] == told.ids["other"])
    line["settled"]["fen"] += 1
    told.buckets["lake"][CLOSING] = json.dumps(document).encode()
    assert told.names() == {"closing_differs", "run_totals_differ"}
    del told.buckets["lake"][CLOSING]
    assert told.names() == {"closing_missing"}


def test_what_a_run_had_bound_is_gone() -> None:
    told = world()
    del told.buckets["lake"][f"runs/{CODE}-20230612-formal-sched/run.json"]
    assert told.names() == {"run_inputs_missing"}


def test_an_addendum_is_gone() -> None:
    told = world()
    (addendum,) = told.keys("lake", f"runs/{CODE}-20230612-formal-sched/addenda/")
    del told.buckets["lake"][addendum]
    assert told.names() == {"closing_differs"}


def test_a_runs_totals_and_open_lines_are_changed() -> None:
    told = world()
    run = told.item(
        lambda item: item.get("run_id") == f"{CODE}-20230612-formal-sched" and item["pk"].startswith("RUNS")
    )
    run["totals"]["settled_fen"] += 1
    assert told.names() == {"run_totals_differ", "chain_differs"}
    run["totals"]["settled_fen"] -= 1
    run["open_lines"] = [told.ids["other"]]
    assert told.names() == {"open_lines_differ", "chain_differs"}


# --- children and reissues --------------------------------------------------------------------------------------------


def test_a_child_pays_rows_that_its_parent_paid() -> None:
    told = world()
    child, parent = told.batch("child"), told.batch("first")
    key = child["rows_key"]
    other = told.frame(parent["rows_key"]).filter(pl.col("beneficiary_id") == SHARED.id_number)
    told.rewrite(key, lambda _: other, sign=True)
    assert {"child_not_of_parent", "passed_on_differs"} <= told.names()


def test_a_row_is_passed_on_to_two_children() -> None:
    told = world()
    child = told.batch("child")
    twin = json.loads(json.dumps(child)) | {
        "batch_id": f"{child['batch_id'][:-1]}x",
        "sk": f"{child['batch_id'][:-1]}x",
    }
    told.tables["control"].append(twin)
    told.batch("first")["children"].append(twin["batch_id"])
    assert {"child_twice", "passed_on_differs", "attempt_repeated"} <= told.names()


def test_a_parent_counts_another_sum_as_passed_on() -> None:
    told = world()
    told.batch("first")["passed_on"]["fen"] -= 1
    assert told.names() == {"passed_on_differs", "chain_differs"}


def test_a_payment_is_reissued_that_had_not_failed() -> None:
    told = world()
    told.batch("reissue")["reissue_of"] = told.ids["other"]
    assert told.names() == {"reissue_not_failed", "chain_differs"}


def test_a_reissue_pays_more_than_failed() -> None:
    told = world()
    key = told.batch("reissue")["instruction"]["payments_key"]
    told.rewrite(key, more("amount_fen", 1), sign=True)
    assert {"reissue_exceeds", "instruction_not_selected", "message_lines_differ"} <= told.names()


def test_a_payment_is_credited_at_the_first_and_again_at_the_second_attempt() -> None:
    told = world()
    for key in told.keys("lake", f"receipts/{told.ids['first']}/"):
        body = told.buckets["lake"][key].decode()
        told.buckets["lake"][key] = body.replace("<TxSts>RJCT</TxSts>", "<TxSts>ACSC</TxSts>").encode()
    assert {"paid_too_much", "reissue_not_failed", "bank_outcome_differs"} <= told.names()


# --- records ----------------------------------------------------------------------------------------------------------


def record_of(told: World, one: str) -> Any:
    return next(item for item in told.tables["records"] if item["sk"].split("#")[1] == one)


def test_a_record_is_removed_changed_made_up_or_somebody_elses() -> None:
    told = world()
    record = record_of(told, paid(SHARED))
    told.tables["records"].remove(record)
    assert told.names() == {"record_missing"}
    told.tables["records"].append(record | {"amount_fen": record["amount_fen"] + 1})
    assert told.names() == {"record_differs"}
    told = world()
    told.tables["records"].append(record | {"sk": f"2023-06#{'X' * 26}-1#beneficiary"})
    assert told.names() == {"record_unknown"}
    told = world()
    record_of(told, paid(SHARED))["pk"] = "0" * 64
    assert told.names() == {"record_key_differs"}
    assert told.names(record_key=None) == set(), "without the key, payments and counts are all that can be compared"


def test_while_the_key_is_exchanged_a_record_stands_under_each_and_never_twice_under_one() -> None:
    told, new = world(), b"the key that follows"
    record = record_of(told, paid(SHARED))
    again = record | {"pk": "1" * 64, "key_mark": key_mark(new)}
    told.tables["records"].append(again)
    assert told.names() == told.names(record_key=None) == set()
    assert told.names(record_key=new) == {"record_key_differs"}, "nobody's key: the exchange wrote it under another"
    told.tables["records"].append(again | {"pk": "2" * 64})
    assert told.names() == told.names(record_key=None) == {"record_differs"}
    told.tables["records"].pop()
    told.tables["records"].append(again | {"key_mark": "00000000"})
    assert told.names() == told.names(record_key=None) == {"record_differs"}, "a third key"
    told = world()
    record_of(told, paid(SHARED)).pop("key_mark")
    assert told.names() == set(), "of before there were marks"


# --- the bank's own book ----------------------------------------------------------------------------------------------


def test_the_bank_paid_twice() -> None:
    told = world()
    entry = told.payments[paid(SHARED)]
    entry["credited_times"], entry["credited_fen"] = 2, 2 * entry["amount_fen"]
    assert told.names() == {"bank_paid_twice"}


def test_the_banks_book_differs_in_amount_account_or_outcome() -> None:
    told = world()
    told.payments[paid(SHARED)]["credited_fen"] += 1
    assert told.names() == {"bank_amount_differs"}
    told = world()
    told.payments[paid(SHARED)]["account"] = HELD.account
    assert told.names() == {"bank_account_differs"}
    told = world()
    told.payments[paid(SHARED)]["returned_times"] = 1
    told.payments[paid(SHARED)]["returned_fen"] = told.payments[paid(SHARED)]["amount_fen"]
    assert told.names() == {"bank_outcome_differs"}


def test_the_bank_paid_somebody_nobody_ordered_or_knows_nothing_of_a_payment() -> None:
    told = world()
    told.payments["Y" * 26 + "-1"] = told.payments.pop(paid(SHARED))
    assert told.names() == {"bank_unknown_payment", "bank_missing_payment"}


def test_the_bank_has_a_message_that_was_never_marked_or_more_copies_than_were_sent() -> None:
    told = world()
    (message,) = told.batch("other")["instruction"]["messages"]
    mark = told.buckets["lake"].pop(f"sent/{message}")
    assert told.names() == {"bank_unknown_message"}
    told.buckets["lake"][f"sent/{message}"] = mark
    assert told.books is not None
    told.books[0]["messages"][message]["posts"] = 2
    assert told.names() == {"bank_sent_again"}
    told.buckets["lake"][f"sent-again/{message}/1"] = b"{}"
    assert told.names() == set(), "a person, or an enquiry, ordered the second copy"


# --- the chain --------------------------------------------------------------------------------------------------------


def test_an_event_is_rewritten_or_gone() -> None:
    told = world()
    key = event_key(told.ids["first"], 2)
    told.replace(key, '"who"', '"by"', bucket="audit")
    assert told.names() == {"chain_broken"}
    del told.buckets["audit"][key]
    assert told.names() == {"chain_broken"}


def test_the_last_event_is_rewritten() -> None:
    told = world()
    told.replace(last_event(told, told.ids["first"]), '"who"', '"by"', bucket="audit")
    assert told.names() == {"chain_broken"}


def test_an_item_is_changed_without_an_event() -> None:
    told = world()
    told.batch("first")["uploader"] = "somebody-else"
    assert told.names() == {"chain_differs"}
    (difference,) = told.audit().differences
    assert "somebody-else" not in f"{difference.expected}{difference.found}"


def test_an_item_has_lost_its_chain() -> None:
    told = world()
    told.batch("first")["audit_n"] = 0
    assert "chain_missing" in told.names()


def test_void_intents_are_nothing_to_worry_about() -> None:
    told = world()
    head = last_event(told, told.ids["first"])
    n = int(head.rsplit("/", 1)[1])
    told.buckets["audit"][event_key(told.ids["first"], n + 1)] = b"{}"
    told.buckets["audit"][event_key("somebody.formal.230102.0123456789abcdef", 1)] = b"{}"
    assert told.names() == set()


def test_a_whole_chain_is_rewritten_from_its_first_event_but_the_daily_root_knows() -> None:
    told = world()
    item = told.batch("trial")
    _rewrite_chain(told, item, "principal:somebody-else")
    assert told.names() == {"root_differs"}


def _rewrite_chain(told: World, item: Any, who: str) -> None:
    """As somebody would who may write everything: each event, each hash, and the head in the table."""
    from auditor.evidence import sha256

    previous = ""
    for key in told.keys("audit", f"audit/{item['batch_id']}/"):
        event = json.loads(told.buckets["audit"][key]) | {"who": who, "previous": previous}
        told.buckets["audit"][key] = json.dumps(event).encode()
        previous = sha256(told.buckets["audit"][key])
    item["audit_head"] = previous


def test_a_daily_root_is_rewritten_or_gone() -> None:
    told = world()
    first, _ = told.keys("audit", "roots/")
    told.replace(first, '"date"', '"day"', bucket="audit")
    assert told.names() == {"root_broken"}
    del told.buckets["audit"][first]
    assert told.names() == {"root_broken"}


# --- the list ---------------------------------------------------------------------------------------------------------


def test_every_difference_says_in_chinese_what_it_means() -> None:
    assert all(any("一" <= character <= "鿿" for character in meaning) for meaning in KINDS.values())
    assert len(set(KINDS.values())) == len(KINDS)


def test_every_difference_of_the_list_can_be_found_and_nothing_else_is() -> None:
    """Each name stands in a check, and here in a story."""
    modules = Path(auditor.__path__[0]).glob("*.py")
    checks = "".join(file.read_text(encoding="utf-8") for file in modules if file.stem != "differences")
    stories = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in KINDS if f'"{name}"' not in checks} == set()
    assert {name for name in KINDS if f'"{name}"' not in stories} == set()


def test_a_contradiction_after_a_ruling_is_frozen_in_both_books() -> None:
    house, batch_id, message = frozen()
    rule(house, batch_id, ONE, "rejected")
    house.receive(receipt("once-more", "2023-06-22", message, [answer_of(house, 0)]))
    assert house.settlement(batch_id)[ONE] == "FROZEN"
    assert "settlement_differs" not in world_of(house, {"first": batch_id}).names()
