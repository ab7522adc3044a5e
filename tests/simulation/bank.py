"""The bank: the simulator of `infra/local/bank` with its own book, the wire to it, and the post that brings its answers.

The book is the oracle: nothing here or in the product writes it but the simulator. The wire loses, delays and repeats
requests; the post loses, delays, repeats, tears, poisons and contradicts what the bank says.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from infra.local.bank.bank import Bank as Simulator
from yikatong.aws.bank import HttpBank
from yikatong.bank.settings import Banks, committed_banks
from yikatong.ports import BankSilence

if TYPE_CHECKING:
    from tests.simulation.platform import Platform

BANKS = committed_banks()
AGENT = BANKS.serving("230102")
OTHER_BANK = "other-bank"
EXCHANGE = "bank-exchange"
CODES = ("AC01", "AC04", "AC06", "3069")
_LINE = re.compile(rb"<TxInfAndSts>.*?</TxInfAndSts>")
_AMOUNT = re.compile(rb'(<(?:InstdAmt|Amt) Ccy="CNY">)([0-9]+)(\.[0-9]{2}<)')
_MESSAGE = re.compile(rb"<MsgId>([^<]+)<")
_PAYMENT = re.compile(rb"EndToEndId>([^<]+)<")
_STATUS = re.compile(rb"<TxSts>(ACSC|RJCT)<")


def banks_with(max_lines: int, deduplicates: bool) -> Banks:
    agent = replace(AGENT, max_lines=max_lines, deduplicates=deduplicates)
    return replace(BANKS, banks=tuple(agent if bank.bank_id == AGENT.bank_id else bank for bank in BANKS.banks))


class BankSide:
    """One agent bank, and everything between it and us."""

    def __init__(self, chance: random.Random, banks: Banks) -> None:
        self.banks = banks
        self._chance = chance
        self.contradicted: set[str] = set()
        """End-to-end ids of which the bank has said something that its own book does not."""
        self.heard: dict[str, set[str]] = defaultdict(set)
        """By end-to-end id the final words (ACSC, RJCT) that have arrived in believable letters of the bank's own."""
        self._letters = 0

    def attach(self, platform: "Platform") -> None:
        self._platform = platform
        agent = self.banks.serving("230102")
        self.simulator = Simulator(
            agent.bank_id, platform.stage.now.date(), seed=7, deduplicates=agent.deduplicates, deliver=self.post
        )

    def wire(self) -> HttpBank:
        return _Wire(self._platform, self)

    def play_outcomes(self, accounts: list[str]) -> None:
        """What becomes of payments into these accounts."""
        chance = self._chance
        kinds: list[Callable[[], dict[str, Any]]] = [
            lambda: {"outcome": "reject", "code": chance.choice(CODES)},
            lambda: {"outcome": "delay", "days": chance.randrange(4), "announce": chance.random() < 0.5},
            lambda: {"outcome": "delay", "days": chance.randrange(4), "code": chance.choice(CODES)},
            lambda: {"outcome": "silence", "credited": True},
            lambda: {"outcome": "silence", "credited": False, "code": chance.choice(CODES)},
            lambda: {"outcome": "return", "days": chance.randrange(4), "code": chance.choice(CODES)},
        ]
        share = chance.choice((0.0, 0.2, 0.5))
        odd = {account: chance.choice(kinds)() for account in accounts if chance.random() < share}
        self.simulator.change_script({"accounts": odd})

    def mend(self, account: str) -> None:
        """The holder has put the account in order: from now on it takes money."""
        self.simulator.change_script({"accounts": {account: {"outcome": "settle"}}})

    # --- the wire ----------------------------------------------------------------------------------------------------------

    def take(self, body: bytes, trial: bool) -> None:
        """A payment message on its way; raises `BankSilence` unless the bank acknowledged it."""
        platform, faults = self._platform, self._platform.faults
        worker = platform.stage.worker
        if faults.strikes("request to the bank lost"):
            raise BankSilence("lost")
        if faults.strikes("request to the bank late") and worker is not None:
            # Whatever was handed over arrives before its function's time limit is over, or never.
            left_s = (worker.ends_by - platform.stage.now).total_seconds()
            at = platform.stage.now + timedelta(seconds=self._chance.random() * max(left_s - 1, 0))
            platform.stage.at(at, lambda: self._arrive(body, trial, "late"))
            found = _MESSAGE.search(body)
            assert found is not None
            platform.unanswered(found[1].decode())
            raise BankSilence("late")
        if faults.strikes("bank refuses"):
            self.simulator.change_script({"messages": {self._chance.choice(("refuse_500", "lose", "fail_500")): 1}})
        reply = self._arrive(body, trial, "")
        if reply.cut or reply.status >= 300 or faults.strikes("answer of the bank lost"):
            raise BankSilence(f"{reply.status}")

    def _arrive(self, body: bytes, trial: bool, note: str) -> Any:
        reply = self.simulator.accept(body, trial)
        self._platform.tell("bank", "takes", f"{reply.status} {reply.reason}", note)
        self._platform.counts["messages"] += 1
        return reply

    def answer(self, message_id: str) -> bytes | None:
        if self._platform.faults.strikes("bank silent to enquiries"):
            raise BankSilence("silent")
        return self.simulator.enquire(message_id)

    # --- the post ----------------------------------------------------------------------------------------------------------

    def post(self, name: str, body: bytes) -> None:
        """The bank sends a file; what reaches the exchange bucket, and when, is another matter."""
        strikes = self._platform.faults.strikes
        genuine = [body]
        if strikes("receipt in parts"):
            genuine = _parts(body)
        lost = strikes("receipt lost")
        if lost and b"TxInfAndSts" in body:
            genuine = []  # an enquiry will tell
        if strikes("receipt twice"):
            genuine = genuine * 2
        letters = [(AGENT.bank_id, letter, True) for letter in genuine]
        if strikes("receipt truncated"):
            letters.append((AGENT.bank_id, body[: len(body) * self._chance.randrange(10, 99) // 100], False))
        # Poison says the opposite of the truth, so that whoever believes it is found out.
        if strikes("receipt with a wrong amount"):
            wrong = _AMOUNT.sub(lambda m: m[1] + b"%d" % (int(m[2]) + 1) + m[3], _turned(body))
            letters.append((AGENT.bank_id, wrong, False))
        if strikes("receipt with a wrong total") and b"<GrpSts>" in body:
            total = self._chance.choice((b"<OrgnlNbOfTxs>7</OrgnlNbOfTxs>", b"<OrgnlCtrlSum>1.00</OrgnlCtrlSum>"))
            letters.append((AGENT.bank_id, _turned(body).replace(b"<GrpSts>", total + b"<GrpSts>"), False))
        if strikes("receipt of an unknown payment"):
            letters.append((AGENT.bank_id, _PAYMENT.sub(rb"EndToEndId>UNKNOWNUNKNOWNUNKNOWNUNKNO-1<", body), False))
        if strikes("receipt from another bank"):
            letters.append((OTHER_BANK, _turned(body), False))
        if strikes("bank contradicts itself"):
            letters.append((AGENT.bank_id, self._contradiction(body), True))
        for bank_id, letter, believable in letters:
            # Of money that came back no enquiry tells: a notice that was lost is sent again some days later.
            late = lost or strikes("receipt late")
            self._letters += 1
            key = f"inbound/{bank_id}/{self._letters:03d}-{name}"
            self._send(key, letter, self._delay_s() if late else 0, believable)

    def _delay_s(self) -> int:
        return self._chance.choice((5, 100, 5000, 90_000, 200_000))

    def _send(self, key: str, body: bytes, delay_s: int, believable: bool) -> None:
        def arrive() -> None:
            self._platform.tell("post", key, len(body))
            if believable:
                self._hear(body)
            self._platform.clients["s3"].put_object(Bucket=EXCHANGE, Key=key, Body=body)

        if delay_s:
            self._platform.stage.after(delay_s, arrive)
        else:
            arrive()

    def _hear(self, body: bytes) -> None:
        for line in _LINE.findall(body):
            payment, status = _PAYMENT.search(line), _STATUS.search(line)
            if payment and status:
                self.heard[payment[1].decode()].add(status[1].decode())

    def _contradiction(self, body: bytes) -> bytes:
        """One line of a receipt says the opposite of what is so."""
        lines = [line for line in _LINE.findall(body) if b"ACSC" in line or b"RJCT" in line]
        if not lines:
            return body
        line = self._chance.choice(lines)
        found = _PAYMENT.search(line)
        assert found is not None
        self.contradicted.add(found[1].decode())
        return body.replace(line, _turned(line))


def _turned(body: bytes) -> bytes:
    """What was credited is rejected here, and the other way round."""
    return b"RJCT".join(part.replace(b"RJCT", b"ACSC") for part in body.split(b"ACSC"))


def _parts(body: bytes) -> list[bytes]:
    """The lines of a receipt, told in as many receipts; a group status would speak for lines that are not there."""
    lines = _LINE.findall(body)
    if len(lines) < 2:
        return [body]
    head, tail = body[: body.index(lines[0])], body[body.index(lines[-1]) + len(lines[-1]) :]
    return [head + line + tail for line in lines]


class _Wire(HttpBank):
    """The adapter itself, with a wire of its own below its `_call`."""

    def __init__(self, platform: "Platform", side: BankSide) -> None:
        super().__init__({AGENT.bank_id: "http://bank"}, lambda _bank_id: "token")
        self._platform = platform
        self._side = side

    def _call(self, bank_id: str, method: str, path: str, body: bytes | None) -> bytes | None:
        assert bank_id == AGENT.bank_id
        try:
            return self._platform.call(f"bank.{method}", path, lambda: self._exchange(path, body))
        except (ClientError, ReadTimeoutError) as error:
            raise BankSilence(f"{bank_id}: {type(error).__name__}") from error

    def _exchange(self, path: str, body: bytes | None) -> bytes | None:
        if body is None:
            return self._side.answer(path.rsplit("/", 1)[1])
        self._side.take(body, trial="trial" in path)
        return None
