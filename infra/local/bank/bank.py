"""The bank itself: what it does with a message, what it knows, and what falls due on which day.

One lock guards everything; whatever has to reach the customer goes through `deliver`, in order.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from infra.local.bank.answers import Answer, receipt, returns
from infra.local.bank.book import Book
from infra.local.bank.instruction import Instruction, Invalid, Line, read_instruction
from infra.local.bank.script import Outcome, Script


@dataclass
class Message:
    """A message this bank has: what it said, how often it came, and the truth about each of its lines by now."""

    instruction: Instruction
    digest: str
    posts: int = 0
    truth: dict[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Due:
    """Something that happens to one line of a message on a later day: `credit`, `reject` or `return`."""

    message: Message
    line: Line
    kind: str
    code: str


@dataclass(frozen=True)
class Reply:
    """What the caller of a payment gets: an HTTP status and a reason, perhaps late, perhaps a cut connection."""

    status: int
    reason: str
    cut: bool = False
    delay_s: float = 0.0


class Bank:
    """One agent bank with its formal and its test channel."""

    def __init__(
        self, bank_id: str, today: date, seed: int, deduplicates: bool, deliver: Callable[[str, bytes], None]
    ) -> None:
        self.bank_id = bank_id
        self.today = today
        self.script = Script(seed)
        self._deduplicates = deduplicates
        self._deliver = deliver
        self._lock = threading.RLock()
        self._books = {False: Book(), True: Book()}
        self._messages: dict[str, Message] = {}
        self._due: dict[date, list[Due]] = defaultdict(list)
        self._names: dict[str, str] = {}
        self._answers = 0

    def accept(self, body: bytes, trial: bool) -> Reply:
        """A payment message arrives on a channel."""
        try:
            instruction = read_instruction(body)
        except Invalid as error:
            return Reply(400, str(error))
        if instruction.trial != trial:
            return Reply(400, "the message is of the other channel")
        digest = hashlib.sha256(body).hexdigest()
        with self._lock:
            if self.script.strikes("refuse_500"):
                return Reply(500, "out of order")
            if self.script.strikes("lose"):
                return Reply(202, "accepted")
            known = self._messages.get(instruction.message_id)
            if known is not None and known.instruction.trial != trial:
                return Reply(409, "the id was used on the other channel")
            if known is not None and self._deduplicates:
                known.posts += 1
                return Reply(200, "already received") if known.digest == digest else Reply(409, "other content before")
            message = known or self._messages.setdefault(instruction.message_id, Message(instruction, digest))
            message.posts += 1
            self._process(message, instruction)
            return self._reply()

    def enquire(self, message_id: str) -> bytes | None:
        """The truth about a message as it is known today, as a pain.002; None if the bank never received it."""
        with self._lock:
            message = self._messages.get(message_id)
            if message is None:
                return None
            return receipt(self._next_answer_id(), self.today.isoformat(), message_id, list(message.truth.values()))

    def set_day(self, today: date | None) -> int:
        """The date is now `today` (None: as before); what fell due up to it happens. How many lines that were.

        ValueError for a day in the past.
        """
        with self._lock:
            today = today or self.today
            if today < self.today:
                raise ValueError(f"it is {self.today} already")
            due_days = sorted(day for day in self._due if day <= today)
            happened = 0
            for day in due_days:
                self.today = max(self.today, day)
                happened += self._happen(day, self._due.pop(day))
            self.today = today
            return happened

    def register_names(self, names: Mapping[str, str]) -> None:
        """From now on a payment into one of these accounts under another name is rejected, BE01."""
        with self._lock:
            self._names.update(names)

    def change_script(self, wanted: Mapping[str, Any]) -> None:
        """See `script`. Raises `BadScript`."""
        with self._lock:
            self.script.change(wanted)

    def book(self) -> dict[str, Any]:
        """Both ledgers, and how often each message came."""
        with self._lock:
            messages = {
                key: {"posts": message.posts, "trial": message.instruction.trial, "lines": len(message.truth)}
                for key, message in self._messages.items()
            }
            return {
                "bank_id": self.bank_id,
                "today": self.today.isoformat(),
                **self._books[False].as_json(),
                "messages": messages,
                "trial": self._books[True].as_json(),
            }

    def _reply(self) -> Reply:
        if self.script.strikes("fail_500"):
            return Reply(500, "out of order")
        if self.script.strikes("drop_replies"):
            return Reply(202, "accepted", cut=True)
        if self.script.strikes("delay_replies"):
            return Reply(202, "accepted", delay_s=self.script.delay_s)
        return Reply(202, "accepted")

    def _process(self, message: Message, instruction: Instruction) -> None:
        answered = []
        for line in instruction.lines:
            self._books[instruction.trial].order(line)
            outcome = self._outcome(line)
            answer = self._settle_line(message, line, outcome)
            if answer is not None:
                answered.append(answer)
        if not answered or self.script.strikes("lose_receipts"):
            return
        for _ in range(2 if self.script.strikes("repeat_receipts") else 1):
            self._deliver_receipt(instruction.message_id, answered)

    def _outcome(self, line: Line) -> Outcome:
        registered = self._names.get(line.account)
        if registered is not None and registered != line.name:
            return Outcome("reject", code="BE01")
        return self.script.outcome_for(line.account)

    def _settle_line(self, message: Message, line: Line, outcome: Outcome) -> Answer | None:
        """Do it, remember the truth for enquiries, and give what the first receipt says of the line, if anything."""
        later = self.today + timedelta(days=outcome.days)
        match outcome.outcome:
            case "settle":
                return self._credit(message, line)
            case "reject":
                return self._reject(message, line, outcome.code)
            case "return":
                if not message.instruction.trial:  # a test channel moves nothing, so nothing can come back
                    self._due[later].append(Due(message, line, "return", outcome.code or "AC04"))
                return self._credit(message, line)
            case "delay":
                kind = "reject" if outcome.code else "credit"
                self._due[later].append(Due(message, line, kind, outcome.code))
                pending = self._pending(message, line)
                return pending if outcome.announce else None
            case "silence":
                if outcome.credited:
                    self._credit(message, line)
                else:
                    self._reject(message, line, outcome.code)
                if not outcome.enquiry:
                    message.truth[line.end_to_end_id] = self._answer(line, "PDNG", "")
                return None

    def _credit(self, message: Message, line: Line) -> Answer:
        self._books[message.instruction.trial].credit(line, self.today.isoformat())
        return self._remember(message, line, "ACSC", "")

    def _reject(self, message: Message, line: Line, code: str) -> Answer:
        code = code or "MS03"
        self._books[message.instruction.trial].reject(line, code)
        return self._remember(message, line, "RJCT", code)

    def _pending(self, message: Message, line: Line) -> Answer:
        return self._remember(message, line, "PDNG", "")

    def _remember(self, message: Message, line: Line, status: str, code: str) -> Answer:
        answer = self._answer(line, status, code)
        known = message.truth.get(line.end_to_end_id)
        if known is None or known.status != "ACSC":  # a second copy that fares worse does not undo the first
            message.truth[line.end_to_end_id] = answer
        return answer

    def _answer(self, line: Line, status: str, code: str) -> Answer:
        return Answer(line.end_to_end_id, line.amount_fen, status, code, self.today.isoformat())

    def _happen(self, day: date, due: list[Due]) -> int:
        receipts: dict[str, list[Answer]] = defaultdict(list)
        returned: dict[str, list[Due]] = defaultdict(list)
        for item in due:
            message_id = item.message.instruction.message_id
            if item.kind == "return":
                self._books[item.message.instruction.trial].give_back(item.line, day.isoformat(), item.code)
                returned[message_id].append(item)
            elif item.kind == "reject":
                receipts[message_id].append(self._reject(item.message, item.line, item.code))
            else:
                receipts[message_id].append(self._credit(item.message, item.line))
        for message_id, answers in receipts.items():
            self._deliver_receipt(message_id, answers)
        for message_id, items in returned.items():
            self._deliver_returns(message_id, day, items)
        return len(due)

    def _deliver_receipt(self, message_id: str, answers: list[Answer]) -> None:
        answer_id, today = self._next_answer_id(), self.today.isoformat()
        self._deliver(f"{answer_id}-receipt-{message_id}.xml", receipt(answer_id, today, message_id, answers))

    def _deliver_returns(self, message_id: str, day: date, items: list[Due]) -> None:
        answer_id, on = self._next_answer_id(), day.isoformat()
        lines = [Answer(item.line.end_to_end_id, item.line.amount_fen, "", item.code, on) for item in items]
        debtor = items[0].message.instruction.debtor_account
        self._deliver(f"{answer_id}-returns-{message_id}.xml", returns(answer_id, on, debtor, message_id, lines))

    def _next_answer_id(self) -> str:
        self._answers += 1
        return f"{self.today:%Y%m%d}-{self._answers:06d}"
