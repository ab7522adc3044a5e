"""How often records may be asked for: a query answers yes or no to a guess, so guesses are counted (issue 5, privacy).

Four counters for each query, whatever comes of it, before anything is looked up:

* the address it came from: against whoever tries many people;
* the id number asked for: against whoever knows a number and tries names;
* the name with the number's first 14 digits, home county and birth date: against whoever knows a person and tries the three
  digits that follow;
* the name with the number's first six and last four: against whoever has a list that hides the birth date, and tries the days.

Within its free attempts a counter asks for nothing, beyond them for a challenge, and beyond its limit for patience. Nobody's
number, name or address is kept: a counter's name is an HMAC, under a key that the records' keys are never made with.
"""

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from yikatong.identity import normalise_id
from yikatong.records import normalise_name

Count = Callable[[str, int], int]
"""Takes a counter's name and when it may be forgotten (epoch seconds); counts one more, atomically, and returns the sum."""
Verdict = Literal["free", "challenge", "refused"]

# What a record's key is made from always holds a `|` between number and name, so no record's key is ever this one.
_PURPOSE = b"yikatong: counters of attempts"
_COUNTY, _COUNTY_AND_BIRTH_DATE, _TAIL = 6, 14, 4


class Limit(BaseModel):
    """One counter's: `free` attempts in a window without a challenge, `most` with one; windows begin at their multiples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_s: int = Field(ge=60, le=7 * 86_400)
    free: int = Field(ge=0)
    most: int = Field(ge=1)


class Limits(BaseModel):
    """The settings. A counter of a village's service desk is one address for many villagers, so an address has more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Limit = Limit(window_s=3_600, free=30, most=200)
    person: Limit = Limit(window_s=86_400, free=5, most=20)


LIMITS = Limits()


class Judged(BaseModel):
    """What of one query; `retry_after_s` is when the last of the windows that are full ends."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    retry_after_s: int = 0


def judge_attempt(
    secret: bytes, limits: Limits, count: Count, at: datetime, *, address: str, id_number: str, name: str
) -> Judged:
    """Count this attempt everywhere, in the same order and always on all counters, and say what it asks for."""
    number, known_as = normalise_id(id_number), normalise_name(name)
    counted = (
        ("address", address, limits.address),
        ("number", number, limits.person),
        ("birth", f"{number[:_COUNTY_AND_BIRTH_DATE]}|{known_as}", limits.person),
        ("ends", f"{number[:_COUNTY]}|{number[-_TAIL:]}|{known_as}", limits.person),
    )
    now = int(at.timestamp())
    verdict: Verdict = "free"
    retry_after_s = 0
    for kind, value, limit in counted:
        begin = now - now % limit.window_s
        end = begin + limit.window_s
        attempts = count(counter_name(secret, kind, value, begin), end + limit.window_s)
        if attempts > limit.most:
            verdict, retry_after_s = "refused", max(retry_after_s, end - now)
        elif attempts > limit.free and verdict == "free":
            verdict = "challenge"
    return Judged(verdict=verdict, retry_after_s=retry_after_s)


def counter_name(secret: bytes, kind: str, value: str, begin: int) -> str:
    """The name of one counter in one window, 64 hex characters: next to another window's it tells nothing."""
    key = hmac.digest(secret, _PURPOSE, "sha256")
    return hmac.digest(key, f"{kind}|{begin}|{value}".encode(), "sha256").hex()
