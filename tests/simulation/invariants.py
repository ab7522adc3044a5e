"""What must always hold (DESIGN §7), against the bank's own book.

`Watch` looks at every committed write and every message the bank takes; `check_at_rest` at everything when faults have
stopped. The sums here are made from files and from the bank's book, not by the product's own functions for sums.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.simulation.functions import BOOK, RECORD_SECRET, SETTINGS, VARIABLES
from tests.simulation.gate import OTHER_VERSION
from tests.simulation.platform import Platform
from tests.simulation.worlds import World, batches, items, value_of
from yikatong import parquet
from yikatong.aws.control import DynamoControl
from yikatong.aws.lake import S3Lake
from yikatong.batches import Batch, Occasion
from yikatong.manifest import ClaimContext
from yikatong.payments import sha256_hex
from yikatong.records import person_key
from yikatong.selection import Judge, approved_rows
from yikatong.states import BATCH, ENDED_RUN, RUN, BatchState, RunState

Item = dict[str, Any]
SENT_STATES = ("INSTRUCTED", "SETTLED", "PUBLISHED")
_BOOK_STATE = {"settled": "SETTLED", "rejected": "REJECTED", "returned": "RETURNED", "pending": "IN_DOUBT"}


class Violated(AssertionError):
    """Something that must always hold does not."""


class Watch:
    """What must hold at any time, looked at when something changes."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        platform.clients["dynamodb"].written = self._written

    def _written(self, table: str, before: Any, after: Any) -> None:
        """Called in the middle of a worker's call, whose code must not catch it: the history stops at the next choice."""
        if table != "control" or self._platform.stage.broken is not None:
            return
        kind = after["pk"]["S"].partition("#")[0]
        try:
            if kind in ("BATCHES", "RUNS"):
                _demand_edge(kind, before, after)
            if kind == "RUNS" and before is not None and before["state"] != after["state"]:
                self._demand_finished(after)
            elif kind == "FUNDS":
                self._demand_cover({name: value_of(value) for name, value in after.items()})
            if before is not None:
                _demand(int(after["version"]["N"]) == int(before["version"]["N"]) + 1, "a version was skipped")
        except Violated as violated:
            self._platform.stage.broken = violated

    def _demand_finished(self, run: Any) -> None:
        """No run ends over a batch that nobody would take up: paid, carried with its reason, withdrawn, or another run's."""
        if run["state"]["S"] not in ENDED_RUN:
            return
        for batch in batches(self._platform):
            if batch.get("run_id") == run["run_id"]["S"] and batch["state"] in ("BOUND", "CLAIMED", "INSTRUCTED"):
                carried = batch["state"] == "CLAIMED" and batch.get("carried")
                _demand(carried, f"{run['run_id']['S']} ended, and {batch['batch_id']} is {batch['state']}")

    def _demand_cover(self, funds: Item) -> None:
        reserved, spent = int(funds["reserved_fen"]), int(funds["spent_fen"])
        _demand(min(reserved, spent) >= 0, f"{funds['pk']} {funds['sk']}: reserved {reserved}, spent {spent}")
        if "allocated_fen" not in funds:
            return
        # Only a bank that takes its final word back can spend what was given back already.
        excuse = sum(
            entry["amount_fen"]
            for key, entry in self._platform.bank.simulator.book()["payments"].items()
            if key in self._platform.bank.contradicted
        )
        _demand(
            reserved + spent <= int(funds["allocated_fen"]) + excuse,
            f"{funds['pk']} {funds['sk']}: {reserved} reserved and {spent} spent of {funds['allocated_fen']}",
        )


def _demand_edge(kind: str, before: Any, after: Any) -> None:
    if before is None:
        return
    table: Any = BATCH if kind == "BATCHES" else RUN
    states: Any = BatchState if kind == "BATCHES" else RunState
    old, new = before["state"]["S"], after["state"]["S"]
    _demand(old == new or new in table[states(old)].edges, f"{after['sk']['S']}: {old} → {new}")


def check_money(platform: Platform) -> None:
    """The bank's book alone: nothing moved twice, nothing moved that is more than was ordered."""
    book = platform.bank.simulator.book()
    for channel in (book, book["trial"]):
        _demand(channel["duplicates"] == [], f"credited twice: {channel['duplicates']}")
        for key, entry in channel["payments"].items():
            _demand(entry["credited_fen"] in (0, entry["amount_fen"]), f"{key}: credited {entry['credited_fen']}")


def check_anytime(platform: Platform, made: World) -> None:
    """At the end of every phase, faults or not."""
    check_money(platform)
    _check_nets(platform)
    _check_instructions(platform)
    _check_privacy(platform, made)
    check_chains(platform)
    _demand(not platform.unexpected, "; ".join(platform.unexpected[:3]))


def check_at_rest(platform: Platform, made: World) -> None:
    """When faults have stopped and everybody has done their work."""
    check_anytime(platform, made)
    for batch in batches(platform):
        _check_batch(batch, platform)
    _check_runs(platform)
    _check_funds(platform)
    _check_contradicted(platform)
    _check_records(platform)
    _check_nobody_stranded(platform)


# --- money -------------------------------------------------------------------------------------------------------------------


def payments_of(batch: Item, platform: Platform) -> list[Item]:
    """The payments the batch instructed, from the file that it names by hash."""
    instruction = batch.get("instruction")
    if instruction is None:
        return []
    data = lake(platform, instruction["payments_key"])
    _demand(sha256_hex(data) == instruction["sha256"], f"{batch['batch_id']}: its payments file was altered")
    rows: list[Item] = list(parquet.decode(data).iter_rows(named=True))
    return rows


def lake(platform: Platform, key: str) -> bytes:
    body: bytes = platform.clients["s3"].get_object(Bucket="lake", Key=key)["Body"].read()
    return body


def _check_nets(platform: Platform) -> None:
    """Net per payment ≤ its amount; nobody and no household twice for a slot, through whatever batch or subsidy of a group."""
    bank = platform.bank
    book = bank.simulator.book()["payments"]
    paid: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    nets: dict[str, int] = defaultdict(int)
    known = set()
    for batch, payment in ((batch, payment) for batch, payments in _formal_payments(platform) for payment in payments):
        known.add(payment["end_to_end_id"])
        entry = book.get(payment["end_to_end_id"])
        if entry is None:
            continue
        _demand(entry["amount_fen"] == payment["amount_fen"], f"{payment['end_to_end_id']}: another amount at the bank")
        net = entry["credited_fen"] - entry["returned_fen"]
        if net and payment["end_to_end_id"] not in bank.contradicted:
            nets[payment["payment_id"]] += net
            _demand(
                nets[payment["payment_id"]] <= payment["amount_fen"], f"{payment['payment_id']}: paid more than once"
            )
            group = SETTINGS.for_subsidy(batch["code"]).claim_group
            for person in {payment["key"], payment["beneficiary_id"]}:
                paid[group, payment["slot"], person].append(payment["payment_id"])
    for (group, slot, _), payments in paid.items():
        _demand(len(set(payments)) == 1, f"{group} {slot}: one person or household paid as {sorted(set(payments))}")
    _demand(book.keys() <= known, f"the bank has payments that nobody instructed: {sorted(book.keys() - known)[:3]}")


def _formal_payments(platform: Platform) -> Iterator[tuple[Item, list[Item]]]:
    for batch in batches(platform):
        if batch["mode"] == "formal" and (payments := payments_of(batch, platform)):
            yield batch, payments


def _check_instructions(platform: Platform) -> None:
    """Every instruction traces to an approved roster's hash, row by row; a trial's payments are on the test channel only."""
    book = platform.bank.simulator.book()
    for batch in batches(platform):
        payments = payments_of(batch, platform)
        if not payments:
            continue
        name, approval = batch["batch_id"], batch.get("approval")
        _demand(batch["state"] in SENT_STATES, f"{name}: instructed, and {batch['state']}")
        _demand(approval is not None and approval["mode"] == batch["mode"], f"{name}: instructed without an approval")
        assert approval is not None
        data = lake(platform, batch["rows_key"])
        _demand(sha256_hex(data) == batch["rows_sha256"], f"{name}: its roster was altered")
        _demand(batch.get("parent") or approval["sha256"] == batch["sha256"], f"{name}: another file was approved")
        approved = {
            (row["row"], row["beneficiary_id"], row["payee_id"], row["slot"], row["amount_fen"])
            for row in parquet.decode(data).iter_rows(named=True)
            if row["status"] in ("payable", "held") or row["row"] in approval.get("accepted_reviews", ())
        }
        other = book["payments"] if batch["mode"] == "trial" else book["trial"]["payments"]
        for payment in payments:
            line = tuple(payment[name] for name in ("row", "beneficiary_id", "payee_id", "slot", "amount_fen"))
            _demand(line in approved, f"{name}: row {payment['row']} was not approved like this")
            _demand(payment["end_to_end_id"] not in other, f"{name}: a payment on the other channel")


# --- batches, runs, funds ----------------------------------------------------------------------------------------------------


def _check_batch(batch: Item, platform: Platform) -> None:
    name, state = batch["batch_id"], batch["state"]
    if state == "WITHDRAWN":
        _demand(batch.get("released"), f"{name}: withdrawn, and its claims not released")
        group = SETTINGS.for_subsidy(batch["code"]).claim_group
        manifests = {item["slot"]: item.get("releases", ()) for item in items(platform, f"MANIFEST#{group}")}
        for slot in batch["slots"] if batch["mode"] == "formal" else ():
            _demand(name in manifests.get(slot, ()), f"{name}: withdrawn, and its claims for {slot} not released")
        _demand(not batch.get("reserved_fen"), f"{name}: withdrawn, and {batch.get('reserved_fen')} fen still reserved")
        return
    at_rest = {"formal": ("PUBLISHED",), "trial": ("SETTLED", "PUBLISHED")}[batch["mode"]]
    if batch.get("approval") is None:
        return
    if state == "APPROVED" and _waits_for_a_trial(batch, platform):
        return
    _demand(state in at_rest, f"{name}: still {state} ({batch.get('carried', '')})")
    outcomes = _outcomes(batch, platform)
    approval = batch["approval"]
    approved = sum(int(approval[part]["count"]) for part in ("payable", "held", "accepted") if part in approval)
    _demand(sum(count for count, _ in outcomes.values()) == approved, f"{name}: {outcomes}, {approved} approved")
    fen = sum(int(approval[part]["fen"]) for part in ("payable", "held", "accepted") if part in approval)
    _demand(sum(fen for _, fen in outcomes.values()) == fen, f"{name}: {outcomes}, {fen} fen approved")
    settlement = batch["settlement"]
    told = {
        name: (int(settlement[name]["count"]), int(settlement[name]["fen"]))
        for name in ("rejected", "in_doubt", "returned")
    }
    states = {"rejected": ("REJECTED",), "in_doubt": ("IN_DOUBT", "FROZEN"), "returned": ("RETURNED",)}
    for word, names in states.items():
        found = tuple(sum(outcomes.get(one, (0, 0))[part] for one in names) for part in (0, 1))
        _demand(told[word] == found, f"{name}: {word} {told[word]}, its file says {found}")


def _waits_for_a_trial(batch: Item, platform: Platform) -> bool:
    passed = items(platform, f"TRIALS#{batch['code']}")
    return (
        batch["mode"] == "formal"
        and batch["code"] == "disabled-hardship-living"
        and not any(one["sk"].endswith(f"#{batch['region']}") for one in passed)
    )


def _outcomes(batch: Item, platform: Platform) -> dict[str, tuple[int, int]]:
    """Rows and fen by what became of them, from the batch's files; each payment's state compared with the bank's book."""
    sums: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    selection = batch["selection"]
    for row in parquet.decode(lake(platform, selection["key"])).iter_rows(named=True):
        if row["outcome"] != "sent":
            _demand(row["reason"], f"{batch['batch_id']}: row {row['row']} is left out without a reason")
            count, fen = sums[row["outcome"]]
            sums[row["outcome"]] = (count + 1, fen + row["amount_fen"])
    book = platform.bank.simulator.book()
    entries = (book if batch["mode"] == "formal" else book["trial"])["payments"]
    for row in parquet.decode(lake(platform, batch["settlement"]["key"])).iter_rows(named=True):
        key, entry = row["end_to_end_id"], entries.get(row["end_to_end_id"])
        excused = key in platform.bank.contradicted
        _demand(entry is not None, f"{key}: settled, and the bank never heard of it")
        assert entry is not None
        truth = _BOOK_STATE[entry["status"]]
        _demand(excused or row["state"] == truth, f"{batch['batch_id']} {key}: we say {row['state']}, the bank {truth}")
        count, fen = sums[row["state"]]
        sums[row["state"]] = (count + 1, fen + row["amount_fen"])
    return dict(sums)


def _check_runs(platform: Platform) -> None:
    frozen = {
        batch["batch_id"] for batch in batches(platform) if batch.get("settlement", {}).get("frozen", {}).get("count")
    }
    for run in items(platform, "RUNS#"):
        lines = set(run.get("open_lines", ()))
        _demand(run["state"] in ("CLOSED", "CLOSED_OPEN_ITEMS"), f"{run['run_id']}: still {run['state']}")
        _demand(
            (run["state"] == "CLOSED") == (not lines), f"{run['run_id']}: {run['state']} with {len(lines)} open lines"
        )
        _demand(lines <= frozen, f"{run['run_id']}: lines still open: {sorted(lines - frozen)}")


def _check_funds(platform: Platform) -> None:
    """Spent is what the bank moved and did not get back; reserved is what is frozen. Fen for fen, region by region."""
    spent: dict[str, int] = defaultdict(int)
    reserved: dict[str, int] = defaultdict(int)
    for batch in batches(platform):
        if batch["mode"] == "formal" and "settlement" in batch:
            where = f"FUNDS#{batch['code']} {batch['region']}#{int(batch['funds_year'])}"
            for row in parquet.decode(lake(platform, batch["settlement"]["key"])).iter_rows(named=True):
                spent[where] += row["amount_fen"] if row["state"] == "SETTLED" else 0
                reserved[where] += row["amount_fen"] if row["state"] in ("FROZEN", "IN_DOUBT") else 0
    for funds in items(platform, "FUNDS#"):
        where = f"{funds['pk']} {funds['sk']}"
        _demand(int(funds["spent_fen"]) == spent[where], f"{where}: {funds['spent_fen']} spent, settled {spent[where]}")
        _demand(
            int(funds["reserved_fen"]) == reserved[where],
            f"{where}: {funds['reserved_fen']} reserved, in doubt {reserved[where]}",
        )


def _check_contradicted(platform: Platform) -> None:
    """Where the bank said both, no word of it counts until a person has ruled which is true (B6)."""
    objects = S3Lake(platform.clients["s3"], VARIABLES["LAKE_BUCKET"])
    for batch in (batch for batch in batches(platform) if "settlement" in batch):
        words = objects.keys(f"rulings/{batch['batch_id']}/")
        ruled = {word.rsplit("/", 1)[1].rsplit("-", 1)[0] for word in words}
        for row in parquet.decode(lake(platform, batch["settlement"]["key"])).iter_rows(named=True):
            identity, state = row["end_to_end_id"], row["state"]
            if platform.bank.heard.get(identity, set()) == {"ACSC", "RJCT"} and identity not in ruled:
                _demand(state == "FROZEN", f"{identity}: the bank said both, nobody ruled, and it is {state}")


def _check_records(platform: Platform) -> None:
    """Public records = final outcomes: each attempt's, for its beneficiary and its payee, and nothing else."""
    records = {(record["pk"], record["sk"]): record for record in items(platform, "", "records")}
    wanted = set()
    for batch, payments in _formal_payments(platform):
        settled = parquet.decode(lake(platform, batch["settlement"]["key"])).iter_rows(named=True)
        states = {row["end_to_end_id"]: row["state"] for row in settled}
        for payment in payments:
            identity = payment["end_to_end_id"]
            people = {("beneficiary", payment["beneficiary_id"], payment["beneficiary_name"])}
            if payment["payee_id"] != payment["beneficiary_id"]:
                people.add(("payee", payment["payee_id"], payment["payee_name"]))
            for role, number, name in people:
                key = (person_key(RECORD_SECRET, number, name), f"{payment['slot']}#{identity}#{role}")
                record = records.get(key)
                _demand(record is not None, f"{identity}: no record for the {role}")
                assert record is not None
                state = states[identity]
                _demand(record["state"] == state, f"{identity}: recorded {record['state']}, settled {state}")
                _demand(record["amount_fen"] == payment["amount_fen"], f"{identity}: another amount")
                wanted.add(key)
    _demand(wanted == records.keys(), f"{len(records.keys() - wanted)} records of no payment")


def _check_nobody_stranded(platform: Platform) -> None:
    """Who was sent holds a claim; whose card waited, or whose claim was another's, is taken up once that is over (C4)."""
    standing: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for manifest in items(platform, "MANIFEST#"):
        released = set(manifest.get("releases", ()))
        for file in manifest.get("files", ()):
            rows = parquet.decode(lake(platform, file["key"])).iter_rows(named=True)
            standing[manifest["claim_group"], manifest["slot"]] += [
                row for row in rows if row["batch_id"] not in released
            ]
    known = {batch["batch_id"]: batch for batch in batches(platform)}
    for claim in (claim for claims in standing.values() for claim in claims):
        _demand(known[claim["batch_id"]]["mode"] == "formal", f"{claim['batch_id']}: a trial holds somebody's claim")
    for name, batch in known.items():
        if batch["mode"] != "formal" or batch["state"] == "WITHDRAWN" or "selection" not in batch:
            continue
        group = SETTINGS.for_subsidy(batch["code"]).claim_group
        passed_on = {row["row"] for child in batch.get("children", ()) for row in _roster_of(known[child], platform)}
        payable = _payable_now(batch, platform)
        for row in parquet.decode(lake(platform, batch["selection"]["key"])).iter_rows(named=True):
            claims = standing[group, row["slot"]]
            if row["outcome"] == "sent":
                mine = any((one["batch_id"], one["row"]) == (name, row["row"]) for one in claims)
                _demand(mine, f"{name}: row {row['row']} was sent, and its claim does not stand")
            elif row["row"] not in passed_on and row["row"] in payable and _is_free(row | payable[row["row"]], claims):
                why = f"{row['outcome']} {row['reason']}"
                _demand(False, f"{name}: row {row['row']} ({why}) could be paid now, and nobody took it up")


def _is_free(row: Item, claims: list[Item]) -> bool:
    """Whether no claim stands against a claim to the row."""
    others = {one["payee_id"] for one in claims if one["pay_account"] == row["pay_account"]} - {row["payee_id"]}
    if others and not row["accepted_account"]:
        return False
    if row["attempt"] > 1:
        attempts = {one["attempt"] for one in claims if one["key"] == row["key"]}
        return row["attempt"] not in attempts and row["attempt"] - 1 in attempts
    held = {person for one in claims if one["attempt"] == 1 for person in (one["key"], one["beneficiary_id"])}
    return not held & {row["key"], row["beneficiary_id"]}


def _payable_now(batch: Item, platform: Platform) -> dict[int, Item]:
    """The approved rows whose cards and slots pass by what is current, if the approval still holds: account, and whether
    sharing it was accepted, by row."""
    today, policy = platform.stage.now.date(), SETTINGS.for_subsidy(batch["code"])
    typed = Batch.model_validate(batch)
    if today > typed.approved_on + timedelta(days=policy.approval_expiry_days):
        return {}
    (current,) = (item for item in items(platform, "CARDS") if item["sk"] == "CURRENT")
    control = DynamoControl(platform.clients["dynamodb"], VARIABLES["CONTROL_TABLE"])
    objects = S3Lake(platform.clients["s3"], VARIABLES["LAKE_BUCKET"])
    occasions = control.query(Occasion, f"OCCASIONS#{batch['code']}")
    judge = Judge(objects, BOOK, batch["mode"], occasions, account_allowed=policy.account_allowed)
    context = ClaimContext(as_of=today, registry_version=current["registry_version"])
    parts = approved_rows(typed, objects).partition_by("slot", maintain_order=True)
    judged = (row for part in parts for row in judge.judge(part, context, typed).iter_rows(named=True))
    return {
        row["row"]: {name: row[name] for name in ("pay_account", "accepted_account")}
        for row in judged
        if row["outcome"] == "sent"
    }


def _roster_of(batch: Item, platform: Platform) -> list[Item]:
    return list(parquet.decode(lake(platform, batch["rows_key"])).iter_rows(named=True))


# --- the chain ---------------------------------------------------------------------------------------------------------------

OUTSIDE = {"version", "audit_n", "audit_head", "last_failure", OTHER_VERSION}


def check_chains(platform: Platform) -> None:
    """Every chained item is what its own events, followed back from its head, say (PROTOCOL O2)."""
    for prefix in ("BATCHES#", "RUNS#", "FUNDS#", "PAUSE#"):
        for item in items(platform, prefix):
            if item.get("audit_n"):
                folded = _folded(item, platform)
                stored = {name: value for name, value in item.items() if name not in OUTSIDE}
                different = sorted(
                    name for name in folded.keys() | stored.keys() if folded.get(name) != stored.get(name)
                )
                _demand(not different, f"{item['pk']} {item['sk']}: its chain says otherwise of {different}")


def _folded(item: Item, platform: Platform) -> Item:
    name = {
        "BATCHES": item["sk"],
        "RUNS": item["sk"],
        "FUNDS": f"funds.{item.get('code')}.{item.get('region')}.{item.get('year')}",
        "PAUSE": f"pause.{item['pk'].partition('#')[2]}",
    }[item["pk"].partition("#")[0]]
    wanted, head, named = item["audit_n"], item["audit_head"], []
    for n in range(item["audit_n"], 0, -1):
        body = platform.clients["s3"].get_object(Bucket="audit", Key=f"audit/{name}/{n:08d}")["Body"].read()
        _demand(sha256_hex(body) == head, f"audit/{name}/{n}: not the bytes that were chained")
        event = json.loads(body)
        if n == wanted:
            named.append(event)
            wanted = event["follows"]
        head = event["previous"]
    _demand(wanted == 0 and head == "", f"audit/{name}: does not lead back to its beginning")
    folded: Item = {}
    for event in reversed(named):
        folded |= event["changes"]
    return {field: value for field, value in folded.items() if value is not None and field not in OUTSIDE}


# --- privacy -----------------------------------------------------------------------------------------------------------------


def _check_privacy(platform: Platform, made: World) -> None:
    """No id number, account number or full name in a log line, an error or an execution's history."""
    text = "\n".join(platform.logs)
    for person in made.people:
        for word in (person.id_number, person.account, person.name):
            _demand(word not in text, "a log line, an error or an execution's history names somebody")


def _demand(holds: Any, what: str) -> None:
    if not holds:
        raise Violated(what)
