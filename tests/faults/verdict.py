"""What must hold once faults have stopped (DESIGN §7), by the bank simulator's own book and nothing the system counted."""

import hashlib
from collections import Counter
from typing import Any

from tests.faults.history import History
from yikatong.closing import NotBalanced, line_of
from yikatong.states import BatchState, RunState

RECORD_OF = {"settled": "SETTLED", "rejected": "REJECTED", "returned": "RETURNED"}


def violations(history: History) -> list[str]:
    """Everything that does not hold of one history at rest; nobody is named, people are counted."""
    return [
        *_money(history),
        *_batches_and_runs(history),
        *_funds(history),
        *_records(history),
        *_evidence(history),
    ]


def owed(history: History) -> list[tuple[str, int]]:
    """Who should be paid, by account, and which amounts may stand for it: every person of a roster that was not withdrawn,
    once. A person in two rosters is owed one of the two amounts."""
    standing = {batch.object_key for batch in history.batches() if batch.state is not BatchState.WITHDRAWN}
    return [
        (person.account, fen)
        for sent in history.sent.values()
        if sent.object_key in standing
        for person, fen in zip(sent.who, sent.amounts, strict=True)
    ]


def _entries(history: History) -> dict[str, dict[str, Any]]:
    """What the bank's book says about the people of this history, by end-to-end id."""
    accounts = {person.account for person in history.who}
    payments = history.desk.bank_book["payments"]
    return {key: entry for key, entry in payments.items() if entry["account"] in accounts}


def _money(history: History) -> list[str]:
    found = []
    due: dict[str, set[int]] = {}
    for account, fen in owed(history):
        due.setdefault(account, set()).add(fen)
    entries = _entries(history)
    times: Counter[str] = Counter()
    for key, entry in entries.items():
        times[entry["account"]] += entry["credited_times"]
        if entry["credited_times"] > 1:
            found.append(f"{key} was credited {entry['credited_times']} times")
        if entry["credited_times"] and entry["credited_fen"] not in due.get(entry["account"], set()):
            found.append(f"{key} was credited {entry['credited_fen']} fen, which nobody ordered")
    for n, person in enumerate(history.who):
        expected = int(person.account in due)
        if times[person.account] != expected:
            found.append(f"person {n} was paid {times[person.account]} times, not {expected}")
    return found


def _batches_and_runs(history: History) -> list[str]:
    found = []
    for batch in history.batches():
        if batch.state not in (BatchState.PUBLISHED, BatchState.WITHDRAWN):
            found.append(f"batch {batch.batch_id} is {batch.state}")
            continue
        if batch.state is BatchState.WITHDRAWN:
            if not batch.released:
                found.append(f"batch {batch.batch_id} is withdrawn and its claims are not released")
            continue
        try:
            line = line_of(batch)
        except NotBalanced as error:
            found.append(f"batch {batch.batch_id} does not balance: {error}")
            continue
        if line.open:
            found.append(f"batch {batch.batch_id} has something in doubt or waiting")
    found += [f"run {run.run_id} is {run.state}" for run in history.all_runs() if run.state is not RunState.CLOSED]
    return found


def _funds(history: History) -> list[str]:
    """What this history changed of its funds, against the bank's book; and that nobody was promised more than there is."""
    found = []
    entries = _entries(history).values()
    net = sum(entry["credited_fen"] - entry["returned_fen"] for entry in entries)
    reserved = spent = 0
    for subject in ("A", "B"):
        before, now = history.funds_before[subject], history.funds(subject)
        reserved, spent = reserved + now[0] - before[0], spent + now[1] - before[1]
    if reserved:
        found.append(f"{reserved} fen are still reserved")
    if spent != net:
        found.append(f"funds say {spent} fen are spent, the bank's book says {net}")
    for subject in ("A", "B"):
        for item in history.desk.items(f"FUNDS#{history.lane.code(subject)}"):
            limit = item.get("allocated_fen")
            if limit is not None and item["reserved_fen"] + item["spent_fen"] > limit:
                found.append("more is reserved and spent than was allocated")
    return found


def _records(history: History) -> list[str]:
    """Public records are the final outcomes: of exactly the payments that the bank's book has, as it has them."""
    entries = _entries(history)
    told: dict[str, set[tuple[int, str]]] = {}
    for record in history.desk.scan("records"):
        if key := end_to_end_id(record):
            told.setdefault(key, set()).add((int(record["amount_fen"]), str(record["state"])))
    wrong = []
    for key, entry in entries.items():
        if entry["status"] not in RECORD_OF:
            continue
        states = {RECORD_OF[entry["status"]]}
        if f"{key.rsplit('-', 1)[0]}-{int(key.rsplit('-', 1)[1]) + 1}" in entries:
            # An attempt that was paid again may be told as that.
            states.add("REISSUED")
        said = told.get(key, set())
        if len(said) != 1 or not said <= {(entry["amount_fen"], state) for state in states}:
            wrong.append(f"the records of {key} say {sorted(said)}, the bank's book {entry['status']}")
    return wrong


def end_to_end_id(record: dict[str, Any]) -> str:
    """The end-to-end id a record is about, from its sort key `{slot}#{payment or end-to-end id}#{role}`."""
    middle = str(record["sk"]).split("#")[-2]
    return middle if "-" in middle else f"{middle}-1"


def _evidence(history: History) -> list[str]:
    """Every instruction traces to the approved roster's hash, through objects that hash as they are said to."""
    found = []
    lake, s3 = history.desk.cloud.resources["buckets"]["lake"], history.desk.cloud.client("s3")
    for batch in history.batches():
        if batch.instruction is None:
            continue
        assert batch.approval is not None
        assert batch.selection is not None
        if batch.approval.sha256 != batch.sha256:
            found.append(f"{batch.batch_id}: what was approved is not what was read")
        for key, sha256 in (
            (batch.rows_key, batch.rows_sha256),
            (batch.selection.key, batch.selection.sha256),
            (batch.instruction.payments_key, batch.instruction.sha256),
        ):
            data = s3.get_object(Bucket=lake, Key=key)["Body"].read()
            if hashlib.sha256(data).hexdigest() != sha256:
                found.append(f"{batch.batch_id}: {key} is not what the batch says it is")
    return found
