"""`/_local`: what a local cloud tells about itself and lets be done to it. Nothing of the system knows it exists."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from infra.local.bank_process import BankProcess
from infra.local.clock import Clock
from infra.local.gateway import Reply, Request
from infra.local.settling import NotSettled, Work

MAX_WAIT_S = 600


class Cloud(Protocol):
    """What this API needs of the cloud it speaks for."""

    bank: BankProcess
    clock: Clock
    resources: dict[str, Any]

    def describe(self) -> dict[str, Any]: ...

    def settle(self, timeout_s: float = 60, quiet_s: float | None = None) -> Work: ...

    def warm(self, verbs: Sequence[str] | None = None) -> None: ...


class LocalApi:
    """Answers `GET /_local`, `GET|POST /_local/clock`, `GET /_local/runs/idle`, `POST /_local/warm`,
    `/_local/bank/...`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def answer(self, request: Request) -> Reply:
        """Answer one request; what is wrong with it is said with a 400."""
        path = request.path.rstrip("/")
        routes: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", "/_local"): lambda _: Reply.of_json(200, self._cloud.describe()),
            ("GET", "/_local/clock"): lambda _: self._now(),
            ("GET", "/_local/clock/now"): lambda _: self._now(),
            ("POST", "/_local/clock"): self._move_clock,
            ("GET", "/_local/runs/idle"): self._wait_until_idle,
            ("POST", "/_local/warm"): self._warm,
        }
        try:
            if path.startswith("/_local/bank/"):
                body = json.loads(request.body) if request.body else None
                return Reply.of_json(
                    200, self._cloud.bank.call(request.method, path.removeprefix("/_local/bank"), body)
                )
            found = routes.get((request.method, path))
            return found(request) if found else Reply.of_json(404, {"message": f"no {request.method} {path}"})
        except NotSettled as busy:
            return Reply.of_json(504, {"idle": False, "message": str(busy)})
        except (ValueError, KeyError, TypeError) as error:
            return Reply.of_json(400, {"message": str(error)})

    def _now(self) -> Reply:
        return Reply.of_json(200, {"now": self._cloud.clock.now().isoformat()})

    def _move_clock(self, request: Request) -> Reply:
        wanted = json.loads(request.body)
        if set(wanted) == {"jump_to"}:
            self._cloud.clock.jump(date.fromisoformat(wanted["jump_to"]))
            fired = []
        elif set(wanted) == {"advance_to"}:
            fired = self._cloud.clock.advance(date.fromisoformat(wanted["advance_to"]))
        else:
            raise ValueError('say {"advance_to": DATE} or {"jump_to": DATE}')
        ticks = [
            {"schedule": one.tick.schedule, "at": one.tick.at.isoformat(), "failed": one.failed, "answer": one.answer}
            for one in fired
        ]
        return Reply.of_json(200, {"now": self._cloud.clock.now().isoformat(), "fired": ticks})

    def _wait_until_idle(self, request: Request) -> Reply:
        asked = parse_qs(urlsplit(request.target).query).get("timeout_s", ["60"])[0]
        self._cloud.settle(min(float(asked), MAX_WAIT_S))
        return Reply.of_json(200, {"idle": True})

    def _warm(self, request: Request) -> Reply:
        verbs = json.loads(request.body) if request.body else None
        self._cloud.warm(verbs)
        return Reply.of_json(200, {"warm": verbs or sorted(self._cloud.resources["functions"])})
