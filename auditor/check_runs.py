"""A run's closing file with its addenda, its totals and its open lines, against what the batches come to (PROTOCOL B4)."""

from collections import defaultdict
from typing import Any

from auditor.books import ENDED
from auditor.evidence import read_json
from auditor.scope import Scope
from auditor.source import LAKE
from auditor.stories import Story
from auditor.tallies import Sum, stated

COLUMNS = ("excluded", "held", "not_sent", "waiting", "rejected", "in_doubt", "settled", "returned")


def check_runs(scope: Scope) -> None:
    for run_id in scope.runs():
        run = scope.books.runs[run_id]
        # A tick that found nothing wrote its end without a closing file.
        if run["state"] in ENDED and int(run.get("batch_count") or 0):
            _check_closing(run_id, scope)
            _check_open_lines(run_id, scope)


def _check_closing(run_id: str, scope: Scope) -> None:
    inputs, closing = (read_json(scope.source, f"runs/{run_id}/{name}.json") for name in ("run", "closing"))
    if inputs is None:
        scope.findings.add("run_inputs_missing", run_id, "run.json", "缺失或读不懂")
    if closing is None:
        scope.findings.add("closing_missing", run_id, "closing.json", "缺失或读不懂")
        return
    lines = {line["batch_id"]: line for line in closing["lines"]}
    _check_totals(run_id, list(lines.values()), closing, scope)
    addenda = _addenda(run_id, scope)
    for story in _stories(run_id, scope):
        line = addenda.get(story.batch_id) or lines.get(story.batch_id)
        rebuilt = story.line()
        if rebuilt is None:
            continue
        if line is None:
            scope.findings.add("closing_differs", f"{run_id} {story.batch_id}", "一行", "无")
            continue
        for column in COLUMNS:
            told = stated(line.get(column))
            where = f"{run_id} {story.batch_id} {column}"
            scope.findings.compare("closing_differs", where, rebuilt[column], told)


def _check_totals(run_id: str, lines: list[dict[str, Any]], closing: dict[str, Any], scope: Scope) -> None:
    run = scope.books.runs[run_id]
    for column in (*COLUMNS, "approved"):
        whole = sum((stated(line.get(column)) for line in lines), Sum())
        for where, totals in (
            (f"{run_id} {column}", run.get("totals", {})),
            (f"{run_id} closing.json {column}", closing["totals"]),
        ):
            told = Sum(int(totals.get(f"{column}_count", 0)), int(totals.get(f"{column}_fen", 0)))
            scope.findings.compare("run_totals_differ", f"{where} {column}", whole, told)


def _check_open_lines(run_id: str, scope: Scope) -> None:
    stories = _stories(run_id, scope)
    lines = {story.batch_id: story.line() for story in stories}
    if None in lines.values():
        return
    still = sorted(
        story.batch_id
        for story in stories
        if (line := lines[story.batch_id]) and (line["in_doubt"].count or line["waiting"].count)
    )
    told = sorted(scope.books.runs[run_id].get("open_lines", ()))
    scope.findings.compare("open_lines_differ", run_id, "、".join(still) or "无", "、".join(told) or "无")


def _stories(run_id: str, scope: Scope) -> list[Story]:
    """The batches that are still this run's: those withdrawn or taken up by another run are counted there, or nowhere."""
    return [
        story
        for story in scope.stories.values()
        if story.item.get("run_id") == run_id and story.item["state"] != "WITHDRAWN"
    ]


def _addenda(run_id: str, scope: Scope) -> dict[str, Any]:
    """The latest addendum of each batch that has one."""
    found: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    prefix = f"runs/{run_id}/addenda/"
    for key in scope.source.keys(LAKE, prefix):
        batch_id, _, number = key.removeprefix(prefix).removesuffix(".json").rpartition("-")
        document = read_json(scope.source, key)
        if number.isdigit() and document is not None:
            found[batch_id].append((int(number), document))
    return {batch_id: max(each, key=lambda one: one[0])[1] for batch_id, each in found.items()}
