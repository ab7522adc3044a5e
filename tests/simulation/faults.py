"""What goes wrong, and how often: drawn from the seed, a different mixture for every history.

Every history has only some kinds of fault, each at a rate of its own, and no more than so many in all: what a few faults
break is found sooner than behind many, and a history of nothing but faults goes nowhere.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

CALLS = {
    "crash before a call": (0.004, 0.02),
    "crash after a call": (0.004, 0.02),
    "lost answer": (0.004, 0.02),
    "resent by the client": (0.004, 0.02),
    "throttled": (0.004, 0.02),
    "presumed dead": (0.002, 0.01),
    "slow worker": (0.004, 0.02),
}
"""At any call: the answer of a call that took effect is lost; botocore sends the request once more; the platform takes
a worker for dead that is not, and starts another."""
SPECIAL = {
    "unprocessed items": (0.2, 0.6),
    "conditional put meets another": (0.03, 0.2),
    "event not taken": (0.1, 0.4),
}
PLATFORM = {
    "message delivered twice": (0.1, 0.4),
    "execution dies": (0.01, 0.05),
    "death not heard of": (0.5, 1.0),
    "clock is wrong": (0.1, 0.3),
    "other version of the code": (0.3, 0.5),
}
WIRE = {
    "request to the bank lost": (0.1, 0.4),
    "request to the bank late": (0.3, 0.9),
    "answer of the bank lost": (0.1, 0.4),
    "bank refuses": (0.1, 0.3),
    "bank silent to enquiries": (0.2, 0.6),
}
POST = {
    "receipt lost": (0.1, 0.5),
    "receipt late": (0.2, 0.6),
    "receipt twice": (0.2, 0.6),
    "receipt in parts": (0.2, 0.5),
    "receipt truncated": (0.1, 0.4),
    "receipt with a wrong amount": (0.1, 0.4),
    "receipt with a wrong total": (0.1, 0.4),
    "receipt of an unknown payment": (0.1, 0.4),
    "receipt from another bank": (0.1, 0.4),
    "bank contradicts itself": (0.05, 0.2),
}
KINDS: dict[str, tuple[float, float]] = {**CALLS, **SPECIAL, **PLATFORM, **WIRE, **POST}
MOST = 24


@dataclass
class Faults:
    """The mixture of one history; `strikes` draws, and counts what struck."""

    chance: random.Random
    rates: Mapping[str, float]
    left: int = MOST
    calm: bool = False
    struck: Counter[str] = field(default_factory=Counter)

    def strikes(self, kind: str) -> bool:
        rate = self.rates.get(kind)
        if rate is None or self.calm or self.left == 0 or self.chance.random() >= rate:
            return False
        self.left -= 1
        self.struck[kind] += 1
        return True

    def at_a_call(self) -> str:
        """The fault that befalls the call at hand, or nothing; one draw, since calls are many."""
        if self.calm or self.left == 0:
            return ""
        point = self.chance.random()
        for kind in CALLS:
            point -= self.rates.get(kind, 0.0)
            if point < 0:
                self.left -= 1
                self.struck[kind] += 1
                return kind
        return ""


def draw_faults(chance: random.Random, without: frozenset[str] = frozenset()) -> Faults:
    rates = {}
    for kind, choices in KINDS.items():
        share, rate = chance.random(), chance.choice(choices)
        if share < 0.4 and kind not in without:
            rates[kind] = rate
    return Faults(chance, rates, left=chance.choice((2, 6, 12, MOST)))
