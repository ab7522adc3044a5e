"""Take in a bureau's list of the deceased, or of those who moved away: it replaces that region's list of that kind whole."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from yikatong import departures, parquet
from yikatong.departures import CurrentDepartures, Departure, current_key
from yikatong.errors import Conflict, Refusal
from yikatong.file_names import is_safe_key, misplaced_key, require_safe_name
from yikatong.file_outcomes import left_out, tell
from yikatong.payments import digest_of, sha256_hex
from yikatong.ports import Control, Lake, Reports
from yikatong.regions import require_known
from yikatong.roster.departed import FAULTS, MAX_LIST_BYTES, DepartureList, read_list
from yikatong.sequencers import is_older
from yikatong.uploads import sender_of

_KEY = re.compile(rf"(23[0-9]{{4}})/({'|'.join(Departure)})/({departures.REPLACE}/)?([^/]+)")
SMALLEST_SHARE = 2
"""A list with less than one in so many of those listed before is an export that broke, or one month's news only."""


@dataclass(frozen=True)
class ListArrival:
    """One list as it was dropped; `size` in bytes, `read` fetches the content, `sent_at` as `aws.s3_events` has it."""

    object_key: str
    sequencer: str
    sent_at: datetime
    upload_id: str
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class ImportedList:
    """`rows` people listed now, `previous_rows` before, `faults` rows that something was wrong with."""

    rows: int
    previous_rows: int
    faults: int
    current: bool
    """False where a list that was sent later stands already: events come unordered, and more than once."""


def import_departures(
    arrival: ListArrival, *, control: Control, lake: Lake, reports: Reports, now: datetime
) -> ImportedList | None:
    """Import, and write what came of it to `departures/{object_key}.json` in the reports; None for a refused list.

    Rosters that were judged before are not judged again. Safe to repeat.
    """
    safe = is_safe_key(arrival.object_key)
    outcome_key = departures.outcome_key(arrival.object_key) if safe else misplaced_key(arrival.object_key)
    known: dict[str, object] = {}
    try:
        region, kind, insisted = _place(arrival.object_key)
        supplied_by = sender_of(arrival.upload_id, arrival.object_key, kind, region, control)
        if arrival.size > MAX_LIST_BYTES:
            raise Refusal(f"名单超过 {MAX_LIST_BYTES // 2**20} MB，请拆分后再报送。", "too_large")
        data = arrival.read()
        known["sha256"] = sha256_hex(data)
        found = read_list(data, now.date())
        key = _store(found, region, kind, lake)
        imported = _make_current(arrival, found, key, (region, kind, insisted, supplied_by), control, now)
    except Refusal as refusal:
        tell(reports, outcome_key, {"accepted": False, "refusal": refusal.message, **known})
        return None
    tell(reports, outcome_key, {"accepted": True, **known, **asdict(imported), **left_out(found.faults, FAULTS)})
    return imported


def _place(object_key: str) -> tuple[str, Departure, bool]:
    """The region, the kind, and whether the list is to replace the one before however much shorter it is."""
    found = _KEY.fullmatch(object_key)
    if found is None:
        raise Refusal("名单应放在 地区代码/deceased 或 moved/文件名 之下，例如 230102/deceased/去世.csv。", "misplaced")
    require_known(found[1])
    require_safe_name(found[4])
    return found[1], Departure(found[2]), found[3] is not None


def _store(found: DepartureList, region: str, kind: Departure, lake: Lake) -> str:
    """Put the list under its content's own name; the bytes are those of whoever wrote it first."""
    digest = digest_of(region, kind, *(f"{person}:{name}:{on}" for person, name, on in found.frame.iter_rows()))
    key = departures.list_key(region, kind, digest)
    lake.put_once(key, parquet.encode(found.frame), digest)
    return key


def _make_current(
    arrival: ListArrival,
    found: DepartureList,
    list_key: str,
    about: tuple[str, Departure, bool, str],
    control: Control,
    now: datetime,
) -> ImportedList:
    """Name the list current, judged against the one that is current at that very write."""
    region, kind, insisted, supplied_by = about
    pk, sk = current_key(region, kind)
    rows, faults = found.frame.height, found.faults.height
    while True:
        before = control.read(CurrentDepartures, pk, sk)
        known = before.rows if before else 0
        if before and _was_sent_before(arrival, list_key, before):
            return ImportedList(rows, known, faults, current=False)
        if not insisted and (rows == 0 or rows * SMALLEST_SHARE < known):
            raise Refusal(
                f"{kind.chinese}名单只有 {rows} 人，原有 {known} 人，像是不完整，没有采用。"
                "名单整份替换，请报送全部人员；确需替换的请注明（--replace）。",
                "shrunken",
            )
        named = CurrentDepartures(
            pk=pk,
            sk=sk,
            version=before.version if before else 0,
            list_key=list_key,
            rows=rows,
            object_key=arrival.object_key,
            sequencer=arrival.sequencer,
            sent_at=_in_utc(arrival.sent_at),
            supplied_by=supplied_by,
            imported_at=now.isoformat(timespec="seconds"),
        )
        try:
            control.save(named)
        except Conflict:
            continue
        return ImportedList(rows, known, faults, current=True)


def _was_sent_before(arrival: ListArrival, list_key: str, standing: CurrentDepartures) -> bool:
    """Whether the list that stands came later. Two names in one second have no order, and no list is replaced on a guess."""
    if arrival.object_key == standing.object_key:
        return is_older(arrival.sequencer, standing.sequencer)
    sent_at = _in_utc(arrival.sent_at)
    if sent_at == standing.sent_at and list_key != standing.list_key:
        raise Refusal("同一秒内以不同的文件名报送了两份名单，分不出先后，没有采用这一份；请重新报送。", "unordered")
    return sent_at < standing.sent_at


def _in_utc(moment: datetime) -> str:
    """Such texts are in the order of the moments."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
