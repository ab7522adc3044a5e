"""An operator puts what waits in a dead-letter queue back to work, after whatever made it fail was mended."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from yikatong.drains import QueueDrain, drain_key
from yikatong.errors import Conflict, Refusal
from yikatong.ports import Control, Queues
from yikatong.principals import PROVINCE, Action, Principal, authorize
from yikatong.reasons import Reason

MOST = 100
"""Messages in one go: the API answers within 29 s. Whoever has more drains again, and sees whether they now succeed."""


class DrainRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason
    most: Annotated[int, Field(ge=1, le=MOST)] = MOST


def drain_queue(
    control: Control, queues: Queues, principal: Principal, verb: str, request: DrainRequest, now: datetime
) -> QueueDrain:
    """Move at most `most` messages back. Who did so and why is written before the first one moves.

    A crash on the way may leave a message in both queues: every consumer bears a message twice (events arrive at least
    once), and none is lost. What fails again dies again.
    """
    authorize(principal, Action.DRAIN_QUEUE, PROVINCE)
    _require_known(queues, verb)
    pk, sk = drain_key(verb)
    last = control.read(QueueDrain, pk, sk) or QueueDrain(pk=pk, sk=sk, verb=verb)
    word = {"reason": request.reason, "by": principal.name, "at": now.isoformat(timespec="seconds")}
    intent = last.model_copy(update=word | {"most": request.most, "moved": None})
    control.save(intent)
    moved = queues.drain(verb, request.most)
    done = intent.model_copy(update={"version": intent.version + 1, "moved": moved})
    # A Conflict: somebody else began to drain meanwhile; what moved here has moved, and the next count is theirs.
    with suppress(Conflict):
        control.save(done)
    return done.model_copy(update={"version": done.version + 1})


def list_queues(control: Control, queues: Queues, principal: Principal) -> list[dict[str, Any]]:
    """Every dead-letter queue: how many messages wait, and who drained it last and why."""
    authorize(principal, Action.DRAIN_QUEUE, PROVINCE)
    return [_view(verb, queues, control) for verb in queues.verbs]


def drain_view(drain: QueueDrain) -> dict[str, Any]:
    return drain.model_dump(include={"verb", "reason", "by", "at", "most", "moved"})


def _view(verb: str, queues: Queues, control: Control) -> dict[str, Any]:
    last = control.read(QueueDrain, *drain_key(verb))
    return {"verb": verb, "dead": queues.dead(verb), "drained": None if last is None else drain_view(last)}


def _require_known(queues: Queues, verb: str) -> None:
    if verb not in queues.verbs:
        raise Refusal(f"没有名为 {verb} 的死信队列，可选 {'、'.join(queues.verbs)}。", "not_found")
