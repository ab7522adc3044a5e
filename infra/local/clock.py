"""The local cloud's date, and the schedules played by it.

moto keeps schedules and never fires them. Here time is set by hand: `advance` plays every due tick in order, day by
day; `jump` only changes the date. Within a day the clock runs from 09:00 with the real one.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

from aws_croniter import AwsCroniter

from infra.local.clients import Clients

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPENS_AT = time_of_day(9, 0)
MAX_DAYS = 400
"""How far one `advance` may go: a little over a year, so that a mistyped year is an error and not an hour's wait."""


@dataclass(frozen=True)
class Tick:
    """One firing of one schedule; `at` is UTC."""

    at: datetime
    schedule: str
    group: str
    target_arn: str
    input: str
    once: bool = False


@dataclass(frozen=True)
class Fired:
    """What a tick's target answered."""

    tick: Tick
    failed: bool
    answer: str


class Clock:
    """Simulated time in Asia/Shanghai; one per local cloud.

    `invoke(target_arn, payload) -> (failed, answer)` calls a schedule's target; `day_begun(day)` tells the bank;
    `settled()` waits for the work a day has set off.
    """

    def __init__(
        self,
        today: date,
        clients: Clients,
        invoke: Callable[[str, bytes], tuple[bool, str]],
        day_begun: Callable[[date], None] = lambda _: None,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self._invoke = invoke
        self._day_begun = day_begun
        self._settled = settled
        self._lock = threading.Lock()
        self._playing = threading.Lock()
        self._known: dict[tuple[str, str], tuple[Any, dict[str, Any]]] = {}
        self._set(datetime.combine(today, OPENS_AT, SHANGHAI))
        self._played_until = _midnight(today)

    def now(self) -> datetime:
        """The present moment, with Shanghai's offset."""
        with self._lock:
            return self._base + timedelta(seconds=time.monotonic() - self._since)

    def jump(self, day: date) -> None:
        """Set the date, forwards or back; nothing is played, and what lies between never will be."""
        with self._playing:
            self._set(datetime.combine(day, OPENS_AT, SHANGHAI))
            self._played_until = _midnight(day)
            self._day_begun(day)

    def pass_time(self, seconds: float) -> None:
        """Let so much of the day go by; ticks due meanwhile are played by the next `advance`."""
        with self._playing:
            self._set(self.now() + timedelta(seconds=seconds))

    def advance(self, to: date) -> list[Fired]:
        """Play every due tick up to the end of a day, that day's included, and return what fired, in order.

        Advancing to today plays what is left of today. Raises ValueError for a past date or one more than `MAX_DAYS`
        away.
        """
        with self._playing:
            day = self.now().date()
            if not 0 <= (to - day).days <= MAX_DAYS:
                raise ValueError(f"{to}: from {day} the clock advances 0 to {MAX_DAYS} days; jump to go elsewhere")
            fired = self._play_day(day)
            while day < to:
                day += timedelta(days=1)
                self._set(datetime.combine(day, OPENS_AT, SHANGHAI))
                self._day_begun(day)
                fired += self._play_day(day)
            return fired

    def due(self, after: datetime, until: datetime) -> list[Tick]:
        """List the ticks of enabled schedules in (after, until]; a one-time schedule is due whenever it lies before
        `until`."""
        ticks: list[Tick] = []
        for schedule in self._schedules():
            for at in occurrences(schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"], after, until):
                once = schedule["ScheduleExpression"].startswith("at(")
                target = schedule["Target"]
                name, group = schedule["Name"], schedule["GroupName"]
                ticks.append(Tick(at, name, group, target["Arn"], target.get("Input") or "{}", once))
        return sorted(ticks, key=lambda tick: (tick.at, tick.schedule))

    def _play_day(self, day: date) -> list[Fired]:
        """Play a day until nothing is due: a tick may order a one-time schedule for the same day."""
        end = _midnight(day + timedelta(days=1))
        fired: list[Fired] = []
        while ticks := self.due(self._played_until, end):
            self._played_until = end
            fired += [self._fire(tick) for tick in ticks]
        self._played_until = end
        if fired:
            self._settled()
        return fired

    def _fire(self, tick: Tick) -> Fired:
        if tick.once:
            self._clients("scheduler").delete_schedule(GroupName=tick.group, Name=tick.schedule)
            self._known.pop((tick.group, tick.schedule), None)
        local = tick.at.astimezone(SHANGHAI)
        if local > self.now():
            self._set(local)
        failed, answer = self._invoke(tick.target_arn, self._payload(tick))
        return Fired(tick, failed, answer)

    def _payload(self, tick: Tick) -> bytes:
        arn = self._clients.arn("scheduler", f"schedule/{tick.group}/{tick.schedule}")
        words = {
            "<aws.scheduler.scheduled-time>": tick.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "<aws.scheduler.schedule-arn>": arn,
            "<aws.scheduler.execution-id>": f"{tick.schedule}-{tick.at:%Y%m%d%H%M}",
            "<aws.scheduler.attempt-number>": "1",
        }
        text = tick.input
        for word, value in words.items():
            text = text.replace(word, value)
        json.loads(text)  # Scheduler would refuse it at creation; moto does not
        return text.encode()

    def _schedules(self) -> Iterator[dict[str, Any]]:
        scheduler = self._clients("scheduler")
        for page in scheduler.get_paginator("list_schedules").paginate():
            for listed in page["Schedules"]:
                if listed["State"] == "ENABLED":
                    yield self._whole(listed)

    def _whole(self, listed: dict[str, Any]) -> dict[str, Any]:
        """The list shows no input; each schedule is read once for each version of it."""
        key = (listed["GroupName"], listed["Name"])
        version = listed["LastModificationDate"]
        if key not in self._known or self._known[key][0] != version:
            whole = self._clients("scheduler").get_schedule(GroupName=key[0], Name=key[1])
            self._known[key] = (version, whole)
        return self._known[key][1]

    def _set(self, moment: datetime) -> None:
        with self._lock:
            self._base, self._since = moment, time.monotonic()


def occurrences(expression: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """List in UTC when a schedule fires in (after, until]; `at(...)` also when it lies before `after`: it was never
    fired.

    >>> day = datetime(2023, 6, 10, tzinfo=SHANGHAI)
    >>> [str(t) for t in occurrences("cron(30 6 10 6 ? 2023)", "Asia/Shanghai", day, day + timedelta(days=1))]
    ['2023-06-09 22:30:00+00:00']
    """
    zone = ZoneInfo(timezone)
    if once := re.fullmatch(r"at\((.+)\)", expression):
        at = datetime.fromisoformat(once[1]).replace(tzinfo=zone).astimezone(UTC)
        return [at] if at <= until else []
    if recurring := re.fullmatch(r"cron\((.+)\)", expression):
        return _cron(recurring[1], zone, after, until)
    raise ValueError(f"{expression}: the local clock plays cron() and at() schedules")


def _cron(expression: str, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """aws-croniter knows UTC only: the zone's wall clock is told to it as if it were UTC, and taken back afterwards."""
    cron = AwsCroniter(expression)
    wall = after.astimezone(zone).replace(tzinfo=UTC)
    end = until.astimezone(zone).replace(tzinfo=UTC)
    found: list[datetime] = []
    while (following := cron.get_next(wall)[0]) is not None and following <= end:
        found.append(following.replace(tzinfo=zone).astimezone(UTC))
        wall = following
    return found


def _midnight(day: date) -> datetime:
    """The last moment before a day: ticks are counted in (after, until]."""
    return datetime.combine(day, time_of_day(0), SHANGHAI) - timedelta(seconds=1)
