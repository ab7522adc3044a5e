"""One batch as its evidence tells it: roster, selection, instruction, and what the bank said of every payment."""

from dataclasses import dataclass, field

import polars as pl

from auditor.bank_files import (
    REJECTED,
    RETURNED,
    SETTLED,
    Answer,
    Instruction,
    Unreadable,
    read_answer,
    read_instruction,
)
from auditor.books import INSTRUCTED, stands
from auditor.differences import Findings
from auditor.evidence import checked_parquet, read_json
from auditor.source import LAKE, Item, Source
from auditor.tallies import ZERO, Sum, stated, sum_of

ROSTER = ("row", "beneficiary_id", "beneficiary_name", "payee_id", "payee_name", "key", "slot", "amount_fen", "status")
SELECTION = (*ROSTER[:-1], "pay_account", "outcome", "reason")
PAYMENTS = (*ROSTER[:-1], "pay_account", "payment_id", "attempt", "end_to_end_id", "message_id")

STATES = {"settled": ("SETTLED", "RETURNED"), "returned": ("RETURNED",), "rejected": ("REJECTED",),
          "in_doubt": ("IN_DOUBT", "FROZEN"), "frozen": ("FROZEN",)}  # fmt: skip
"""Which states of a payment a line's column counts: credited ones include those returned later, doubts the frozen."""


@dataclass
class Story:
    """What is None could not be read, which has been noted, or does not exist yet."""

    item: Item
    roster: pl.DataFrame | None = None
    selection: pl.DataFrame | None = None
    payments: pl.DataFrame | None = None
    messages: dict[str, Instruction] = field(default_factory=dict)
    outcomes: pl.DataFrame | None = None
    """The payments with `state`, as the bank's answers and the rulings have it."""
    recoveries: dict[str, list[int]] = field(default_factory=dict)
    """Fen of each recovery, by end-to-end id."""

    @property
    def batch_id(self) -> str:
        return str(self.item["batch_id"])

    @property
    def instructed(self) -> bool:
        return self.item["state"] in INSTRUCTED and bool(self.item.get("instruction"))

    @property
    def approved(self) -> pl.DataFrame | None:
        """The rows the approval covers: payable, held, and those under review that were accepted by row number."""
        if self.roster is None or not self.item.get("approval"):
            return None
        accepted = pl.col("row").is_in(self.item["approval"]["accepted_reviews"]) & (pl.col("status") == "review")
        return self.roster.filter(pl.col("status").is_in(["payable", "held"]) | accepted)

    def chosen(self, outcome: str) -> pl.DataFrame | None:
        return None if self.selection is None else self.selection.filter(pl.col("outcome") == outcome)

    def paid(self, column: str) -> pl.DataFrame | None:
        """The payments of a column of `STATES`."""
        return None if self.outcomes is None else self.outcomes.filter(pl.col("state").is_in(list(STATES[column])))

    def frames(self) -> dict[str, pl.DataFrame | None]:
        """The rows of each column of the batch's line; together they are the roster (`returned` is part of `settled`)."""
        approved, empty = self.approved, pl.DataFrame(schema={"row": pl.Int32, "amount_fen": pl.Int64})
        excluded = (
            self.roster.join(approved, on="row", how="anti")
            if self.roster is not None and approved is not None
            else None
        )
        line: dict[str, pl.DataFrame | None] = {"excluded": excluded}
        if not self.item.get("selection"):
            line |= {"held": empty, "not_sent": empty, "waiting": approved}
        else:
            line |= {"held": self.chosen("held"), "not_sent": self.chosen("not_sent")}
            line["waiting"] = empty if self.instructed else self.chosen("sent")
        for column in ("rejected", "in_doubt", "settled", "returned"):
            line[column] = self.paid(column) if self.instructed else empty
        return line

    def line(self) -> dict[str, Sum] | None:
        """The batch's line; None when evidence is missing that it needs, which has been noted."""
        frames = self.frames()
        return None if any(frame is None for frame in frames.values()) else {k: sum_of(v) for k, v in frames.items()}

    @property
    def recovered(self) -> Sum:
        return Sum(sum(map(len, self.recoveries.values())), sum(map(sum, self.recoveries.values())))

    @property
    def spent_fen(self) -> int:
        """What stayed with the payees, as far as settled by the platform."""
        if not self.item.get("settlement"):
            return 0
        return (sum_of(self.paid("settled")) - sum_of(self.paid("returned"))).fen - self.recovered.fen

    @property
    def held_fen(self) -> int:
        """What the batch must hold reserved in its funds."""
        if self.instructed:
            frame = self.paid("in_doubt") if self.item.get("settlement") else self.payments
            return sum_of(frame).fen
        # Reserved whole or not at all, and only while the claims stand (PROTOCOL W3).
        reserved = self.item["state"] == "CLAIMED" and self.item.get("reserved_fen") is not None
        return sum_of(self.chosen("sent")).fen if reserved else 0


def tell(item: Item, source: Source, findings: Findings) -> Story:
    """Read everything that stands behind a batch; what is altered or missing is noted and left out."""
    story, where = Story(item), str(item["batch_id"])
    if item.get("rows_key"):
        key, digest = item["rows_key"], item["rows_sha256"]
        story.roster = checked_parquet(source, key, digest, ROSTER, findings, "roster_altered", where)
    if selection := item.get("selection"):
        key, digest = selection["key"], selection["sha256"]
        story.selection = checked_parquet(source, key, digest, SELECTION, findings, "selection_altered", where)
    if stands(item) and story.instructed:
        _tell_instruction(story, source, findings)
    return story


def _tell_instruction(story: Story, source: Source, findings: Findings) -> None:
    instruction, where = story.item["instruction"], story.batch_id
    key, digest = instruction["payments_key"], instruction["sha256"]
    story.payments = checked_parquet(source, key, digest, PAYMENTS, findings, "instruction_altered", where)
    for message in instruction["messages"]:
        key = f"instructions/{where}/{message}.xml"
        data = source.read(LAKE, key)
        try:
            story.messages[message] = read_instruction(data or b"")
        except Unreadable as error:
            findings.add("message_unreadable", f"{where}（{key}）", "付款报文", error if data else "缺失")
    if story.payments is None:
        return
    stated = _without_untrue(_statements(story, source, findings), _rulings(where, source))
    story.outcomes = fold(story.payments, stated)
    for key in source.keys(LAKE, f"recoveries/{where}/"):
        said = read_json(source, key)
        if said is not None:
            story.recoveries.setdefault(said["end_to_end_id"], []).append(int(said["amount_fen"]))


def _statements(story: Story, source: Source, findings: Findings) -> dict[str, set[tuple[str, str]]]:
    """(end-to-end id, kind) of everything the bank stated that can be believed, by the name of its file."""
    assert story.payments is not None
    ours = {
        message: dict(zip(rows["end_to_end_id"], rows["amount_fen"], strict=True))
        for (message,), rows in story.payments.group_by("message_id")
    }
    found: dict[str, set[tuple[str, str]]] = {}
    for key in source.keys(LAKE, f"receipts/{story.batch_id}/"):
        try:
            found[key.rpartition("/")[2]] = _believed(read_answer(source.read(LAKE, key) or b""), ours)
        except Unreadable as error:
            findings.add("receipt_unreadable", key, "银行报文", error)
    return found


def _believed(answer: Answer, ours: dict[str, dict[str, int]]) -> set[tuple[str, str]]:
    """Lines of other batches' messages, of unknown ids or with other amounts are not ours to believe."""
    if answer.message_id:
        amounts = ours.get(answer.message_id)
        if amounts is None or answer.count not in (None, len(amounts)):
            return set()
        if answer.sum_fen not in (None, sum(amounts.values())):
            return set()
        found = {(one, answer.rest) for one in amounts if answer.rest and one not in answer.named}
    else:
        found = set()
    for said in answer.statements:
        # A return need only name one of our messages and one of our payments.
        lines = ours.get(said.message_id, {})
        own = lines if said.kind != RETURNED or said.end_to_end_id in lines else _all(ours) if lines else {}
        if said.end_to_end_id in own and said.amount_fen in (None, own[said.end_to_end_id]):
            found.add((said.end_to_end_id, said.kind))
    return found


def _all(ours: dict[str, dict[str, int]]) -> dict[str, int]:
    return {one: fen for lines in ours.values() for one, fen in lines.items()}


def _rulings(batch_id: str, source: Source) -> dict[str, tuple[str, set[str]]]:
    """What persons ruled of contradictory statements, the last word on each payment, and the files they knew of."""
    said: dict[str, tuple[int, str, set[str]]] = {}
    for key in source.keys(LAKE, f"rulings/{batch_id}/"):
        ruling, number = read_json(source, key), int(key.removesuffix(".json").rpartition("-")[2])
        if ruling is not None and number > said.get(ruling["end_to_end_id"], (0, "", set()))[0]:
            said[ruling["end_to_end_id"]] = (number, ruling["ruled"], set(ruling.get("heard", ())))
    return {one: (word, heard) for one, (_, word, heard) in said.items()}


def _without_untrue(
    stated: dict[str, set[tuple[str, str]]], rulings: dict[str, tuple[str, set[str]]]
) -> set[tuple[str, str]]:
    """What a ruling says is untrue was not said, in the files that it knew of; the ruling itself is."""
    kept = {(one, word) for one, (word, _) in rulings.items()}
    for name, statements in stated.items():
        for one, kind in statements:
            word, heard = rulings.get(one, ("", set()))
            untrue = kind == REJECTED if word == SETTLED else word == REJECTED and kind != REJECTED
            if not (untrue and name in heard):
                kept.add((one, kind))
    return kept


def fold(payments: pl.DataFrame, statements: set[tuple[str, str]]) -> pl.DataFrame:
    """The payments with their `state`: credited and rejected both stated is FROZEN until a person has ruled what is true."""
    states = [_state(one, statements) for one in payments["end_to_end_id"]]
    return payments.with_columns(pl.Series("state", states, pl.String))


def _state(one: str, statements: set[tuple[str, str]]) -> str:
    returned, rejected = (one, RETURNED) in statements, (one, REJECTED) in statements
    credited = returned or (one, SETTLED) in statements
    if credited and rejected:
        return "FROZEN"
    if credited:
        return "RETURNED" if returned else "SETTLED"
    return "REJECTED" if rejected else "IN_DOUBT"


def platform_line(item: Item) -> dict[str, Sum]:
    """The same line, out of what the platform's item says."""
    approval, selection, settlement = item["approval"], item.get("selection"), item.get("settlement")
    approved = stated(approval["payable"]) + stated(approval["held"]) + stated(approval.get("accepted"))
    told = item["state"] in INSTRUCTED
    sent = stated(selection["sent"]) if selection else ZERO
    line = {
        "excluded": stated(item.get("excluded")) + stated(item.get("review")) - stated(approval.get("accepted")),
        "held": stated(selection["held"]) if selection else ZERO,
        "not_sent": stated(selection["not_sent"]) if selection else ZERO,
        "waiting": approved if not selection else ZERO if told else sent,
    }
    for column in ("rejected", "in_doubt", "settled", "returned"):
        line[column] = stated(settlement[column]) if settlement else ZERO
    if told and not settlement:
        line["in_doubt"] = sent
    return line
