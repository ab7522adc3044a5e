"""What happens to whom: outcomes by account, faults by message, all decided by a script and a seed.

An account's outcome is, in this order: the one the script names for it; the one drawn by `rates` from a hash of seed
and account (so it depends on neither order nor number of calls); the default. `POST /script` takes

    {"accounts": {"6217…": {"outcome": "reject", "code": "AC04"}},
     "default": {"outcome": "settle"},
     "rates": {"reject": 0.02, "delay": 0.01, "silence": 0.001, "return": 0.01},
     "messages": {"drop_replies": 1}}

and changes what it names; `{"reset": true}` first forgets everything.

Outcomes: `settle`; `reject` (`code`); `delay` (`days`, and with `code` a rejection then; `"announce": true` reports the
line as PDNG meanwhile); `silence` (no receipt ever names the line; `credited`, default true; an enquiry tells the truth
unless `"enquiry": false`, which leaves it PDNG); `return` (settles now, comes back after `days` for `code`; not on the
test channel, where nothing moved). A `code` is an ISO reason, or a four-digit Chinese clearing code, which then
travels alone.

Faults, each a number of the next messages, of either channel: `lose` (202, and never processed: an enquiry knows
nothing of it), `refuse_500` (500, nothing done), `fail_500` (500 after the money moved), `drop_replies` (connection cut
after the money moved), `delay_replies` (answered `delay_s` seconds late, after the money moved), `lose_receipts` (the
first receipt is never delivered), `repeat_receipts` (delivered twice).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast

Kind = Literal["settle", "reject", "delay", "silence", "return"]
KINDS: tuple[Kind, ...] = ("settle", "reject", "delay", "silence", "return")
FAULTS = (
    "lose",
    "refuse_500",
    "fail_500",
    "drop_replies",
    "delay_replies",
    "lose_receipts",
    "repeat_receipts",
)
_DRAWN: tuple[Kind, ...] = ("reject", "delay", "silence", "return")
_DRAWN_CODES = ("AC01", "AC04", "AC06", "AG01", "3069", "3006")


class BadScript(Exception):
    """The script asks for something this bank cannot play."""


@dataclass(frozen=True)
class Outcome:
    """What happens to a payment into an account. `days` from the day it is processed."""

    outcome: Kind = "settle"
    code: str = ""
    days: int = 2
    credited: bool = True
    announce: bool = False
    enquiry: bool = True


class Script:
    """The current script. Not thread-safe: the bank's lock guards it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        self._accounts: dict[str, Outcome] = {}
        self._default = Outcome()
        self._rates: dict[str, float] = {}
        self._faults = dict.fromkeys(FAULTS, 0)
        self.delay_s = 1.0

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Apply one `POST /script`; wholly, or not at all. Raises `BadScript` naming what it does not know."""
        unknown = wanted.keys() - {"reset", "accounts", "default", "rates", "messages"}
        if unknown:
            raise BadScript(f"unknown keys: {', '.join(sorted(unknown))}")
        accounts = {account: _outcome(spec) for account, spec in dict(wanted.get("accounts", {})).items()}
        default = _outcome(wanted["default"]) if "default" in wanted else None
        rates = _rates(wanted["rates"]) if "rates" in wanted else None
        faults = dict(wanted.get("messages", {}))
        delay_s = float(faults.pop("delay_s", self.delay_s))
        if bad := faults.keys() - set(FAULTS):
            raise BadScript(f"unknown message faults: {', '.join(sorted(bad))}")
        if any(type(count) is not int or count < 0 for count in faults.values()):
            raise BadScript("a message fault is the number of messages it befalls")
        if wanted.get("reset"):
            self.reset()
        self._accounts.update(accounts)
        self._default = default or self._default
        self._rates = self._rates if rates is None else rates
        self._faults.update(faults)
        self.delay_s = delay_s

    def strikes(self, fault: str) -> bool:
        """Whether the next of this fault's victims is the message at hand; counts it off."""
        if self._faults[fault] == 0:
            return False
        self._faults[fault] -= 1
        return True

    def outcome_for(self, account: str) -> Outcome:
        """The outcome of a payment into `account`."""
        scripted = self._accounts.get(account)
        if scripted is not None:
            return scripted
        return self._drawn(account) or self._default

    def _drawn(self, account: str) -> Outcome | None:
        if not self._rates:
            return None
        digest = hashlib.sha256(f"{self._seed}|{account}".encode()).digest()
        point = int.from_bytes(digest[:8], "big") / 2**64
        for kind in _DRAWN:
            point -= self._rates.get(kind, 0.0)
            if point < 0:
                drawn = Outcome(kind, days=1 + digest[8] % 5, credited=digest[9] % 2 == 0)
                return replace(drawn, code=_DRAWN_CODES[digest[10] % len(_DRAWN_CODES)]) if kind != "delay" else drawn
        return None


def _outcome(spec: Mapping[str, Any]) -> Outcome:
    known = {field.name: field.type for field in fields(Outcome)}
    if unknown := spec.keys() - known.keys():
        raise BadScript(f"unknown keys of an outcome: {', '.join(sorted(unknown))}")
    outcome = Outcome(**spec)
    if outcome.outcome not in KINDS:
        raise BadScript(f"unknown outcome: {outcome.outcome}")
    if type(outcome.days) is not int or outcome.days < 0:
        raise BadScript("days is a whole number")
    return outcome


def _rates(spec: Mapping[str, Any]) -> dict[str, float]:
    if unknown := spec.keys() - set(_DRAWN):
        raise BadScript(f"unknown rates: {', '.join(sorted(unknown))}")
    rates = {kind: float(cast("float", rate)) for kind, rate in spec.items()}
    if min(rates.values(), default=0.0) < 0 or sum(rates.values()) > 1:
        raise BadScript("rates are shares that sum to at most 1")
    return rates
