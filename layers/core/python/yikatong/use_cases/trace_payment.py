"""为什么我没领到钱？ One payment's, or one person's, whole story with its evidence, for the clerk who is asked.

A person is found in the frozen rosters of the caller's region, newest first and so many at most; what was searched is
always said, so that "not found" means something. Whoever may read a region's reports may ask: personal data stands in
those in clear already. The answer travels in the reply only, never in a log line or an error.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from yikatong.batches import Batch
from yikatong.errors import Refusal
from yikatong.identity import normalise_id
from yikatong.money import in_yuan
from yikatong.plan import Mode
from yikatong.principals import Action, Principal, authorize, find_principal, leads
from yikatong.records import normalise_name
from yikatong.regions import name_of
from yikatong.settlement import AlteredInstruction, payments_of
from yikatong.states import BatchState
from yikatong.trace_request import TraceRequest
from yikatong.use_cases.tell_story import AlteredEvidence, Archive, frame_of, item_name, tell_story

MOST_ROSTERS = 120
MOST_ROWS = 5_000_000
"""Frozen rosters, or payments files, that one question reads, and rows in them: some seconds' worth (0.1 s for 100,000 rows,
measured), since an API answers within 29 s. One roster is read however large it is."""
MOST_STORIES = 8
ROLES = {"beneficiary_id": "享受人", "payee_id": "收款人", "key": "户主"}
"""The columns in which a person may stand in a frozen roster, and as what."""


@dataclass
class _Search:
    """What was looked through, and what stood there."""

    read: list[Batch] = field(default_factory=list)
    hits: list[tuple[Batch, dict[str, Any]]] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    more: bool = False
    """Whether the limit ended the search before the rosters did."""

    def add(self, batch: Batch, rows: pl.DataFrame) -> None:
        known = {(found.batch_id, row["row"]) for found, row in self.hits}
        self.hits += [(batch, row) for row in rows.iter_rows(named=True) if (batch.batch_id, row["row"]) not in known]

    def followers(self, batch: Batch, row: dict[str, Any]) -> list[Batch]:
        """The child batches and reissues that took this very row up, and still stand, oldest first."""
        same = ("beneficiary_id", "slot")
        found = [
            later
            for later, theirs in self.hits
            if batch.batch_id in (later.parent, later.reissue_of)
            and later.state not in (BatchState.REFUSED, BatchState.WITHDRAWN)
            and theirs["status"] != "excluded"
            and all(row[column] == theirs[column] for column in same)
        ]
        return sorted(found, key=lambda later: (later.received_at, later.batch_id))


def trace_payment(request: TraceRequest, principal: Principal, archive: Archive) -> dict[str, Any]:
    """{"searched", "stories", "more_stories"}; each story {"title", "batch_id", "row", "as", "lines", "now"}.

    Child batches and reissues of what was found are followed, whatever the limit. Trials pay nobody and are not searched.
    """
    region = request.region or principal.region
    wanted = None if request.number is None else archive.book.subsidy(request.plan_year or 0, request.number)
    authorize(principal, Action.READ_REPORT, region, wanted)
    batches = [
        batch
        for batch in archive.control.query_region(Batch, region)
        if batch.mode == Mode.FORMAL
        and request.plan_year in (None, batch.plan_year)
        and (wanted is None or batch.code == wanted.code)
        and leads(principal, archive.book.by_code(batch.plan_year, batch.code))
    ]
    batches.sort(key=lambda batch: (batch.received_at, batch.batch_id), reverse=True)
    search = _of_payment(request, batches, archive) if request.payment else _of_person(request, batches, archive)
    _follow(search, batches, archive)
    newest = sorted(search.hits, key=lambda hit: (hit[0].received_at, hit[1]["row"]), reverse=True)
    return {
        "searched": {
            "region": region,
            "region_name": name_of(region),
            "subsidies": sorted({archive.book.by_code(each.plan_year, each.code).name for each in search.read}),
            "since": min((batch.received_at for batch in search.read), default=""),
            "read": len(search.read),
            "more": search.more,
            "altered": search.altered,
        },
        "stories": [_story(batch, row, request, search, archive) for batch, row in newest[:MOST_STORIES]],
        "more_stories": max(0, len(newest) - MOST_STORIES),
    }


def trace_or_say_why(request: dict[str, Any], asked_by: str, archive: Archive) -> dict[str, Any]:
    """As `trace_payment`, for a caller in another process: {"outcome": "told", …} or {"outcome": "refused", …}."""
    try:
        principal = find_principal(archive.control, asked_by)
        return {"outcome": "told"} | trace_payment(TraceRequest(**request), principal, archive)
    except Refusal as refusal:
        return {"outcome": "refused", "code": refusal.code, "detail": refusal.message}


def _bounded(batches: list[Batch], search: _Search) -> Iterator[Batch]:
    rows = 0
    for batch in batches:
        rows += batch.rows
        if len(search.read) == MOST_ROSTERS or (search.read and rows > MOST_ROWS):
            search.more = True
            return
        search.read.append(batch)
        yield batch


def _of_person(request: TraceRequest, batches: list[Batch], archive: Archive) -> _Search:
    """Every row in which that id number stands; whether the name agrees is said with the row."""
    search = _Search()
    person = normalise_id(request.id_number or "")
    stands = pl.any_horizontal(pl.col(column) == person for column in ROLES)
    for batch in _bounded([each for each in batches if each.rows_key], search):
        rows = _rows(batch, search, archive)
        search.add(batch, rows.filter(stands & _in_slot(request)) if rows is not None else pl.DataFrame())
    return search


def _of_payment(request: TraceRequest, batches: list[Batch], archive: Archive) -> _Search:
    """The rows that were paid under that id; it is an HMAC, so it says nothing of whose it is."""
    search = _Search()
    for batch in _bounded([each for each in batches if each.instruction is not None], search):
        try:
            paid = payments_of(batch, archive.lake).filter(pl.col("payment_id") == request.payment)
        except AlteredInstruction:
            search.altered.append(batch.instruction.payments_key if batch.instruction else "")
            continue
        if not paid.is_empty() and (rows := _rows(batch, search, archive)) is not None:
            search.add(batch, rows.filter(pl.col("row").is_in(paid["row"].implode())))
    return search


def _rows(batch: Batch, search: _Search, archive: Archive) -> pl.DataFrame | None:
    try:
        return frame_of(batch.rows_key, batch.rows_sha256, archive.lake)
    except AlteredEvidence:
        search.altered.append(batch.rows_key)
        return None


def _in_slot(request: TraceRequest) -> pl.Expr:
    return pl.lit(True) if request.slot is None else pl.col("slot") == request.slot


def _follow(search: _Search, batches: list[Batch], archive: Archive) -> None:
    """Add what parents, child batches and reissues of the batches found have of the same people and slots."""
    todo = list(search.hits)
    while todo:
        batch, row = todo.pop()
        before = len(search.hits)
        for each in batches:
            if each.rows_key and _related(each, batch):
                rows = _rows(each, search, archive)
                same = (pl.col("beneficiary_id") == row["beneficiary_id"]) & (pl.col("slot") == row["slot"])
                search.add(each, rows.filter(same) if rows is not None else pl.DataFrame())
        todo += search.hits[before:]


def _related(one: Batch, other: Batch) -> bool:
    """Whether one follows the other up."""
    return one.batch_id in (other.parent, other.reissue_of) or other.batch_id in (one.parent, one.reissue_of)


def _story(
    batch: Batch, row: dict[str, Any], request: TraceRequest, search: _Search, archive: Archive
) -> dict[str, Any]:
    story = tell_story(row, batch, archive)
    for later in search.followers(batch, row):
        story.say(
            "接续", f"这一行由批次 {later.batch_id} 接续发放", item_name(later.pk, later.sk), at=later.received_at
        )
        story.now = f"见批次 {later.batch_id} 的经过"
    amount = "金额不明" if row["amount_fen"] is None else f"{in_yuan(row['amount_fen'])} 元"
    subsidy = archive.book.by_code(batch.plan_year, batch.code).name
    return {
        "title": f"{subsidy}　{row['slot'] or '属期不明'}　{name_of(batch.region)}　{amount}",
        "batch_id": batch.batch_id,
        "row": row["row"],
        "as": _stands_as(row, request),
        "lines": [asdict(line) for line in story.lines],
        "now": story.now,
    }


def _stands_as(row: dict[str, Any], request: TraceRequest) -> str:
    """As what the person stands in that row, and whether under that name; empty where a payment was asked for."""
    if request.id_number is None or request.name is None:
        return ""
    person, name = normalise_id(request.id_number), normalise_name(request.name)
    column = next(column for column in ROLES if row[column] == person)
    written = {"beneficiary_id": row["beneficiary_name"], "payee_id": row["payee_name"]}.get(column)
    if column == "key":
        return "户主（名册不写户主姓名，未核对）"
    agrees = normalise_name(written or "") == name
    return ROLES[column] if agrees else f"{ROLES[column]}，姓名不符：名册第{row['row']}行写的是别的姓名，请先核对"
