"""Walks the real ASL (infra/workflows), as far as it is used there: Task, Choice, Map, Pass, Wait, Succeed, Retry, Catch.

A walk is a generator: it yields what the platform has to do for it, and is sent the outcome. So hundreds of items and
executions are under way at once, and none of them holds a thread.
"""

import json
import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.workflows.rendered import rendered

Data = dict[str, Any]


class Failed(Exception):
    """A state failed for good; `name` is the error's, as Retry and Catch match it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Invoke:
    """Call a function and answer with its result. With `timeout_s` the task waits for its token (`payload` names it)."""

    verb: str
    payload: Data
    timeout_s: float | None = None


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Items:
    """Walk so many items side by side, and answer when all have ended."""

    walks: tuple["Walk", ...]


@dataclass(frozen=True)
class ReadItems:
    bucket: str
    key: str


@dataclass(frozen=True)
class Update:
    request: Data


Walk = Generator[Invoke | Wait | Items | ReadItems | Update, Any, Any]
TOKEN = "$$.Task.Token"


@cache
def payout(receipt_timeout_s: int, enquiry_wait_s: int, enquiry_attempts: int) -> Data:
    machine: Data = json.loads(
        rendered(receipt_timeout_s=receipt_timeout_s, enquiry_wait_s=enquiry_wait_s, enquiry_attempts=enquiry_attempts)
    )
    return machine


def walk(machine: Data, data: Data) -> Walk:
    """From StartAt to an end; raises `Failed`."""
    name = machine["StartAt"]
    while True:
        state = machine["States"][name]
        try:
            result = yield from _perform(state, data)
            data = _placed(state, data, result)
        except Failed as failure:
            caught = next((one for one in state.get("Catch", ()) if _matches(one["ErrorEquals"], failure.name)), None)
            if caught is None:
                raise
            name = caught["Next"]
            data = _placed(caught, data, {"Error": failure.name})
            continue
        if state.get("End") or state["Type"] == "Succeed":
            return data
        name = _choice(state, data) if state["Type"] == "Choice" else state["Next"]


def _perform(state: Data, data: Data) -> Walk:
    match state["Type"]:
        case "Task":
            return (yield from _task(state, data))
        case "Map":
            reader = _filled(state["ItemReader"]["Parameters"], data)
            items = yield ReadItems(reader["Bucket"], reader["Key"])
            return (yield Items(tuple(walk(state["ItemProcessor"], item) for item in items)))
        case "Wait":
            yield Wait(_find(state["SecondsPath"], data))
        case "Pass":
            return state["Result"] if "Result" in state else _filled(state.get("Parameters", {}), data)
        case "Choice" | "Succeed":
            return None
        case other:
            raise NotImplementedError(other)
    return None


def _task(state: Data, data: Data) -> Walk:
    retriers = state.get("Retry", [])
    used = [0] * len(retriers)
    while True:
        try:
            return (yield _request(state, data))
        except Failed as failure:
            fitting = [at for at, retrier in enumerate(retriers) if _matches(retrier["ErrorEquals"], failure.name)]
            if not fitting or used[fitting[0]] == retriers[fitting[0]]["MaxAttempts"]:
                raise
        at = fitting[0]
        pause = retriers[at]["IntervalSeconds"] * retriers[at]["BackoffRate"] ** used[at]
        used[at] += 1
        yield Wait(pause)


def _request(state: Data, data: Data) -> Invoke | Update:
    resource: str = state["Resource"]
    payload = _filled(state["Parameters"], data) if "Parameters" in state else data
    if ":function:" in resource:
        return Invoke(resource.rsplit(":", 1)[1], payload)
    if resource.endswith("waitForTaskToken"):
        return Invoke(payload["FunctionName"].rsplit(":", 1)[1], payload["Payload"], state["TimeoutSeconds"])
    assert resource.endswith("dynamodb:updateItem"), resource
    return Update(payload)


def _placed(state: Mapping[str, Any], data: Data, result: Any) -> Data:
    """`ResultPath`: where the result goes; null drops it, none replaces the data."""
    if state.get("Type") in ("Choice", "Wait", "Succeed"):
        return data
    path = state.get("ResultPath", "$")
    if path is None:
        return data
    if path == "$":
        assert isinstance(result, dict)
        return result
    return data | {path.removeprefix("$."): result}


def _choice(state: Data, data: Data) -> str:
    for choice in state["Choices"]:
        value = _find(choice["Variable"], data)
        tests = {
            "StringEquals": lambda wanted, value=value: value == wanted,
            "NumericGreaterThan": lambda wanted, value=value: value > wanted,
            "NumericGreaterThanEquals": lambda wanted, value=value: value >= wanted,
        }
        ((name, wanted),) = ((key, choice[key]) for key in choice if key not in ("Variable", "Next"))
        if tests[name](wanted):
            return str(choice["Next"])
    return str(state["Default"])


def _matches(wanted: Iterable[str], name: str) -> bool:
    every_failure = "States.TaskFailed" in wanted and name != "States.Timeout"
    return name in wanted or every_failure or "States.ALL" in wanted


_ADD = re.compile(r"States\.MathAdd\((\$[^,]*), (\$[^)]*|[0-9]+)\)")


def _filled(template: Any, data: Data) -> Any:
    """Parameters with every `name.$` looked up."""
    if not isinstance(template, dict):
        return template
    filled = {}
    for key, value in template.items():
        if not key.endswith(".$"):
            filled[key] = _filled(value, data)
        elif found := _ADD.fullmatch(value):
            filled[key[:-2]] = sum(int(part) if part.isdigit() else _find(part, data) for part in found.groups())
        else:
            filled[key[:-2]] = _find(value, data)
    return filled


def _find(path: str, data: Data) -> Any:
    if path.startswith("$$."):
        return path  # the context object: filled in by the platform (a token), or of no account (a time)
    value: Any = data
    for part in path.removeprefix("$").strip(".").split("."):
        value = value[part] if part else value
    return value
