"""A question that people answer and programs should not, asked once the free attempts of a query are used up.

`Challenge` is what the query needs of whoever asks. A real stack should put a real provider behind it (a slider or the
like of a service that watches behaviour). `LocalChallenge` stands in for one: it asks for a sum in Chinese words,
needs no picture, no third party and no script, so that it can be read aloud, and it lives wherever no provider is to be had.

What the stand-in does: a question is signed, lasts five minutes, may be answered once, right or wrong, and its token does not
hold the answer. What it does not: keep a program out that was written for it. Against one of those only the hard limits
stand.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LASTS_S = 300
TOKEN_LENGTH = 120
ANSWER_LENGTH = 20

# As in yikatong.attempts: no record's key is ever made from this.
_PURPOSE = b"yikatong: challenges"
_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Question:
    """`token` goes back with the answer; `text` is for a person to read or hear."""

    token: str
    text: str


class Challenge(Protocol):
    def ask(self, at: datetime) -> Question:
        """A new question."""
        ...

    def passed(self, token: str, answer: str, at: datetime) -> bool:
        """Whether the answer is right, in time, and the first to this question. Anything may come as token or answer."""
        ...


class LocalChallenge:
    """A sum of two digits. `count` is that of `yikatong.attempts`: the first to count a question's name is the first answer."""

    def __init__(self, secret: bytes, count: Callable[[str, int], int]) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self._count = count

    def ask(self, at: datetime) -> Question:
        one, other = 1 + secrets.randbelow(9), 1 + secrets.randbelow(9)
        stamp = f"{secrets.token_hex(8)}.{int(at.timestamp()) + LASTS_S}"
        return Question(f"{stamp}.{self._seal(stamp, one + other)}", f"{_DIGITS[one]}加{_DIGITS[other]}等于几？")

    def passed(self, token: str, answer: str, at: datetime) -> bool:
        stamp, _, seal = token.rpartition(".")
        expires = stamp.rpartition(".")[2]
        if not (expires.isascii() and expires.isdigit()) or int(expires) < at.timestamp():
            return False
        sums = [
            total for total in range(2, 19) if hmac.compare_digest(seal.encode(), self._seal(stamp, total).encode())
        ]
        # A token that is not ours names no question and is not counted: nobody fills the table with made-up ones.
        if not sums or self._count(hmac.digest(self._key, stamp.encode(), "sha256").hex(), int(expires)) > 1:
            return False
        return _number(answer) == sums[0]

    def _seal(self, stamp: str, total: int) -> str:
        return hmac.digest(self._key, f"{stamp}.{total}".encode(), "sha256").hex()[:32]


def _number(answer: str) -> int | None:
    """The number a person typed: half-width or full-width digits, or Chinese ones up to 十八.

    >>> _number("12"), _number(" １２ "), _number("十二"), _number("九"), _number("twelve")
    (12, 12, 12, 9, None)
    """
    text = answer.strip()
    words = {word: number for number, word in enumerate(_DIGITS)}
    words |= {f"十{word if number else ''}": 10 + number for number, word in enumerate(_DIGITS)}
    if text in words:
        return words[text]
    return int(text) if 0 < len(text) < 4 and text.isdecimal() else None
