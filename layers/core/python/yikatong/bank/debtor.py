"""Whose money a message moves, and how many lines it may have: what bank settings need, without building a message."""

from dataclasses import dataclass
from typing import Final

MAX_MESSAGE_LINES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Debtor:
    """Whose money it is: the treasury's account and the agent bank that keeps it.

    `agent_clearing_code` is the bank's twelve-digit CNAPS line number (支付行号).
    """

    name: str
    account: str
    agent_name: str
    agent_clearing_code: str
