"""The local date, and the schedules it plays."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from infra.local.clock import SHANGHAI, Clock, occurrences

JUNE = datetime(2023, 6, 1, tzinfo=SHANGHAI)


class Scheduler:
    """EventBridge Scheduler, as far as the clock asks it."""

    def __init__(self) -> None:
        self.schedules: dict[str, dict[str, Any]] = {}

    def put(self, name: str, expression: str, state: str = "ENABLED") -> None:
        """Keep a schedule."""
        self.schedules[name] = {
            "Name": name,
            "GroupName": "plan",
            "State": state,
            "LastModificationDate": 1,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "Asia/Shanghai",
            "Target": {"Arn": "start_run", "Input": json.dumps({"name": name, "at": "<aws.scheduler.scheduled-time>"})},
        }

    def get_paginator(self, _: str) -> "Scheduler":
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Schedules": list(self.schedules.values())}]

    def get_schedule(self, GroupName: str, Name: str) -> dict[str, Any]:  # noqa: ARG002 - boto3's names
        return self.schedules[Name]

    def delete_schedule(self, GroupName: str, Name: str) -> None:  # noqa: ARG002
        del self.schedules[Name]


class Clients:
    """Hands out the scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __call__(self, _: str) -> Scheduler:
        return self._scheduler

    def arn(self, _: str, resource: str) -> str:
        return resource


class World:
    """A clock with its scheduler, what was invoked, and the days the bank was told."""

    def __init__(self, today: date) -> None:
        self.scheduler = Scheduler()
        self.invoked: list[dict[str, Any]] = []
        self.seen_at: list[datetime] = []
        self.days: list[date] = []
        self.on_tick: Callable[[dict[str, Any]], None] = lambda _: None
        self.clock = Clock(today, Clients(self.scheduler), self._invoke, self.days.append)  # type: ignore[arg-type]

    def _invoke(self, _: str, payload: bytes) -> tuple[bool, str]:
        self.invoked.append(json.loads(payload))
        self.seen_at.append(self.clock.now())
        self.on_tick(self.invoked[-1])
        return False, "{}"

    @property
    def names(self) -> list[str]:
        return [event["name"] for event in self.invoked]


def test_a_morning_in_shanghai_is_the_evening_before_in_utc() -> None:
    [at] = occurrences("cron(30 6 10 6 ? 2023)", "Asia/Shanghai", JUNE, JUNE + timedelta(days=30))
    assert at == datetime(2023, 6, 9, 22, 30, tzinfo=UTC)


def test_the_first_of_the_month_is_counted_in_shanghai() -> None:
    [at] = occurrences("cron(0 1 1 * ? 2023)", "Asia/Shanghai", JUNE + timedelta(days=20), JUNE + timedelta(days=35))
    assert at == datetime(2023, 6, 30, 17, 0, tzinfo=UTC), "July in Shanghai, still June in UTC"


def test_advancing_plays_every_due_tick_in_order_and_tells_the_bank_each_day() -> None:
    world = World(date(2023, 6, 8))
    world.scheduler.put("monthly", "cron(0 10 10 * ? 2023)")
    world.scheduler.put("daily", "cron(30 6 * 6 ? 2023)")
    world.scheduler.put("off", "cron(0 9 * 6 ? 2023)", state="DISABLED")
    fired = world.clock.advance(date(2023, 6, 10))
    assert world.names == ["daily", "daily", "daily", "monthly"]
    assert [event["at"] for event in world.invoked][2:] == ["2023-06-09T22:30:00Z", "2023-06-10T02:00:00Z"]
    assert [(at.hour, at.minute) for at in world.seen_at[2:]] == [(9, 0), (10, 0)], "the clock is never set back"
    assert world.days == [date(2023, 6, 9), date(2023, 6, 10)]
    assert len(fired) == 4


def test_a_day_is_played_once() -> None:
    world = World(date(2023, 6, 10))
    world.scheduler.put("monthly", "cron(0 10 10 * ? 2023)")
    world.clock.advance(date(2023, 6, 10))
    world.clock.advance(date(2023, 6, 10))
    world.clock.advance(date(2023, 6, 11))
    assert world.names == ["monthly"]


def test_a_one_time_schedule_fires_once_and_is_gone() -> None:
    world = World(date(2023, 6, 10))
    world.scheduler.put("once", "at(2023-06-12T10:00:00)")
    world.clock.advance(date(2023, 6, 11))
    assert world.names == []
    world.clock.advance(date(2023, 6, 13))
    assert (world.names, world.scheduler.schedules) == (["once"], {})
    assert world.invoked[0]["at"] == "2023-06-12T02:00:00Z"


def test_a_one_time_schedule_ordered_by_a_tick_for_the_same_day_fires_that_day() -> None:
    world = World(date(2023, 6, 10))
    world.scheduler.put("tick", "cron(0 10 10 6 ? 2023)")
    world.on_tick = lambda event: (
        world.scheduler.put("again", "at(2023-06-10T09:30:00)") if event["name"] == "tick" else None
    )
    world.clock.advance(date(2023, 6, 10))
    assert world.names == ["tick", "again"]


def test_jumping_plays_nothing() -> None:
    world = World(date(2023, 6, 1))
    world.scheduler.put("daily", "cron(30 9 * * ? 2023)")
    world.clock.jump(date(2023, 8, 1))
    assert (world.names, world.clock.now().date()) == ([], date(2023, 8, 1))
    world.clock.advance(date(2023, 8, 1))
    assert [event["at"] for event in world.invoked] == ["2023-08-01T01:30:00Z"]


def test_the_day_begins_at_nine_in_shanghai() -> None:
    now = World(date(2023, 6, 1)).clock.now()
    assert now.isoformat().startswith("2023-06-01T09:00:0")
    assert now.isoformat().endswith("+08:00")


@pytest.mark.parametrize("to", [date(2023, 5, 31), date(2033, 6, 1)])
def test_the_clock_does_not_advance_into_the_past_or_for_years(to: date) -> None:
    with pytest.raises(ValueError, match="jump to go elsewhere"):
        World(date(2023, 6, 1)).clock.advance(to)


def test_an_expression_the_clock_cannot_play_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"rate\(1 day\)"):
        occurrences("rate(1 day)", "Asia/Shanghai", JUNE, JUNE)
