"""How a history begins: a small world of people, cards, rosters and funds, validated and in part approved.

Worlds are made by the real functions, without faults, once a process, and copied for each history: what is under test begins
with the payday. Small on purpose: the fewer people, the more often they get in each other's way.
"""

import random
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulation.bank import BankSide, banks_with
from tests.simulation.faults import Faults
from tests.simulation.functions import BOOK, SETTINGS
from tests.simulation.platform import Platform
from tests.simulation.services.dynamodb import MemoryDynamo
from tests.simulation.services.s3 import MemoryS3
from tests.simulation.stage import Stage
from yikatong.aws.control import serialize
from yikatong.cards import CardState
from yikatong.principals import Principal, Role, principal_key
from yikatong.roster.columns import Column
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import cards_csv, make_sample

SHANGHAI = ZoneInfo("Asia/Shanghai")
MADE_ON = datetime(2023, 6, 1, 9, tzinfo=SHANGHAI)
PAYDAY = datetime(2023, 6, 12, 9, tzinfo=SHANGHAI)
DAOLI, NANGANG = "230102", "230103"
WORLDS = 60
"""How many different ones there are; histories share them."""
URBAN, RURAL, PRICE, TRIED = 2, 3, 8, 17
"""Numbers of the plan: two that share a claim group and pay households, one without a limit of funds, one that needs a trial."""
MIXTURES = ((URBAN,), (URBAN, RURAL), (RURAL, URBAN), (URBAN, RURAL, PRICE), (URBAN, PRICE), (TRIED, URBAN))
CROWD = tuple(invent_people(9, region=DAOLI, seed=5, on=MADE_ON.date()))
ENOUGH_FEN = 100_000_000
SLOTS = ("2023-06", "2023-05")
PRINCIPALS = {
    "the-clerk": Role.CLERK,
    "the-approver": Role.APPROVER,
    "the-treasurer": Role.TREASURER,
    "the-operator": Role.OPERATOR,
}


@dataclass(frozen=True)
class Roster:
    key: str
    mode: str
    data: bytes


@dataclass(frozen=True)
class World:
    index: int
    people: tuple[Person, ...]
    numbers: tuple[int, ...]
    rosters: tuple[Roster, ...]
    corrections: tuple[Roster, ...]
    card_files: tuple[bytes, ...]
    max_lines: int
    deduplicates: bool
    dynamodb: MemoryDynamo
    s3: MemoryS3
    hexes: int


@lru_cache(maxsize=WORLDS)
def world(index: int) -> World:
    """World number `index`: the same in every process."""
    chance = random.Random(f"world {index}")
    people = _people(chance)
    numbers = chance.choice(MIXTURES)
    rosters, corrections = _rosters(chance, people, numbers)
    max_lines, deduplicates = chance.choice((1, 2, 5)), chance.random() < 0.3
    platform = _made(chance, people, numbers, rosters, max_lines, deduplicates)
    return World(
        index=index,
        people=people,
        numbers=numbers,
        rosters=rosters,
        corrections=corrections,
        card_files=tuple(cards_csv(_with_cards(chance, people)) for _ in range(2)),
        max_lines=max_lines,
        deduplicates=deduplicates,
        dynamodb=platform.clients["dynamodb"],
        s3=platform.clients["s3"],
        hexes=platform._random_hex,
    )


def begin(made: World, chance: random.Random, faults: Faults) -> Platform:
    """A platform of its own on the morning of the payday."""
    platform = Platform(
        chance, faults, Stage(chance, PAYDAY), BankSide(chance, banks_with(made.max_lines, made.deduplicates))
    )
    platform.use_stores(made.dynamodb.copy(), made.s3.copy(lambda: platform.stage.now))
    return platform


def _people(chance: random.Random) -> tuple[Person, ...]:
    return tuple(_with_cards(chance, chance.sample(CROWD, chance.randint(2, 6))))


def _with_cards(chance: random.Random, people: Any) -> list[Person]:
    odd = (CardState.LOST, CardState.FROZEN, CardState.NONE)
    return [
        person.with_card(chance.choice(odd)) if chance.random() < 0.15 else person.with_card(CardState.NORMAL)
        for person in people
    ]


def _rosters(
    chance: random.Random, people: tuple[Person, ...], numbers: tuple[int, ...]
) -> tuple[tuple[Roster, ...], tuple[Roster, ...]]:
    rosters, corrections = [], []
    for ordinal in range(chance.choice((1, 2, 2, 3, 3, 4))):
        number = numbers[ordinal] if ordinal < len(numbers) else chance.choice(numbers)
        region = chance.choice((DAOLI, NANGANG))
        mode = "trial" if number == TRIED and ordinal == 0 else "formal"
        key = f"2023/{region}/{number}/{ordinal}.csv"
        rosters.append(Roster(key, mode, _roster(chance, people, number, region)))
        corrections.append(Roster(key, mode, _roster(chance, people, number, region)))
    if TRIED in numbers and all(roster.mode == "formal" for roster in rosters):
        rosters.append(Roster(f"2023/{DAOLI}/{TRIED}/t.csv", "trial", _roster(chance, people, TRIED, DAOLI)))
    return tuple(rosters), tuple(corrections)


def _roster(chance: random.Random, people: tuple[Person, ...], number: int, region: str) -> bytes:
    """Some of the people, perhaps for two slots; where households are paid, one may belong to another's."""
    subsidy = BOOK.subsidy(2023, number)
    assert subsidy.code is not None
    who = chance.sample(people, chance.randint(1, len(people)))
    made = make_sample(
        subsidy=subsidy, settings=SETTINGS.for_subsidy(subsidy.code), region=region, rows=len(who), slots=SLOTS[:1],
        seed=chance.randrange(1000), include=who,
    )  # fmt: skip
    rows = [dict(row) for row in made.rows]
    if Column.HEAD_ID in made.columns and chance.random() < 0.3:
        head = chance.choice(people)
        chance.choice(rows).update({Column.HEAD_ID: head.id_number, Column.HEAD_NAME: head.name})
    if chance.random() < 0.3:
        rows += [{**row, Column.SLOT: SLOTS[1]} for row in chance.sample(rows, chance.randint(1, len(rows)))]
    return replace(made, rows=tuple(rows)).roster_csv()


def _made(
    chance: random.Random,
    people: tuple[Person, ...],
    numbers: tuple[int, ...],
    rosters: tuple[Roster, ...],
    max_lines: int,
    deduplicates: bool,
) -> Platform:
    quiet = random.Random(0)
    platform = Platform(
        quiet, Faults(quiet, {}, calm=True), Stage(quiet, MADE_ON), BankSide(quiet, banks_with(max_lines, deduplicates))
    )
    _register(platform)
    put(platform, "card-drop", "replace/cards-20230601.csv", cards_csv(people))
    platform.stage.play()
    for roster in rosters:
        put(platform, "roster-drop", roster.key, roster.data, mode=roster.mode)
    platform.stage.play()
    for number in numbers:
        for region in (DAOLI, NANGANG):
            fen = chance.choice((None, ENOUGH_FEN, ENOUGH_FEN, 150_000)) if number != PRICE else None
            if fen is not None:
                ask(platform, "the-treasurer", "PUT", f"/v1/funds/2023/{number}/{region}/2023", funds(fen))
    for batch in batches(platform):
        if batch["state"] == "VALIDATED" and chance.random() < 0.85:
            ask(platform, "the-approver", "POST", f"/v1/batches/{batch['batch_id']}/approval", approval(batch))
    platform.stage.play()
    assert not platform.unexpected, platform.unexpected
    return platform


def _register(platform: Platform) -> None:
    table = platform.clients["dynamodb"].tables.setdefault("control", {})
    for name, role in PRINCIPALS.items():
        pk, sk = principal_key(name)
        principal = Principal(pk=pk, sk=sk, version=1, name=name, role=role, region="230000")
        table[pk, sk] = serialize(principal.model_dump(mode="json"))


def put(platform: Platform, bucket: str, key: str, data: bytes, **metadata: str) -> None:
    platform.clients["s3"].put_object(Bucket=bucket, Key=key, Body=data, Metadata=metadata)


def ask(platform: Platform, principal: str, method: str, path: str, body: Any = None, told: Any = None) -> None:
    """Somebody sends a request to the bureau API; `told` gets the status and the answer, None when there was none."""
    platform.tell("button", principal, method, path, "" if body is None else str(body))

    def ended(answer: Any, error: BaseException | None) -> None:
        status, reply = answer if error is None else (None, None)
        platform.tell("button", principal, "is told", str(status), (reply or {}).get("detail", ""))
        outcome = {None: "no answer", 200: "done", 500: "failed"}.get(status, "refused")
        platform.counts[f"button: {_kind(path)} {outcome}"] += 1
        if status == 500 and not worker.broken:
            platform.unexpected.append(f"{worker.name}: {method} {path} is told that the system is broken")
        if told is not None:
            told(status, reply)

    worker = platform.start("bureau_api", lambda: platform.functions.api(principal, method, path, body), ended)


def _kind(path: str) -> str:
    """What a request is for: the word of its address that is no id."""
    words = path.split("/")[2:]
    return words[0] if len(words) == 1 or words[0] == "funds" else words[-1]


def batches(platform: Platform) -> list[dict[str, Any]]:
    return items(platform, "BATCHES#")


def items(platform: Platform, prefix: str, table: str = "control") -> list[dict[str, Any]]:
    """What the table holds, by key."""
    found = platform.clients["dynamodb"].tables.get(table, {})
    return [_plain(found[key]) for key in sorted(found) if key[0].startswith(prefix)]


_read: dict[int, tuple[Any, dict[str, Any]]] = {}


def _plain(item: Any) -> dict[str, Any]:
    """An item in Python's own types; asked for again and again, and never changed in place."""
    standing = _read.get(id(item))
    if standing is None or standing[0] is not item:
        if len(_read) > 2000:
            _read.clear()
        standing = _read[id(item)] = item, {name: value_of(value) for name, value in item.items()}
    return standing[1]


def value_of(value: Any) -> Any:
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            return int(inner)
        case "M":
            return {name: value_of(each) for name, each in inner.items()}
        case "L":
            return [value_of(each) for each in inner]
        case "NULL":
            return None
    return inner


def approval(batch: dict[str, Any]) -> dict[str, Any]:
    """Exactly what the batch says, as an approver repeats it."""
    tallies = {
        name: {part: int(value) for part, value in batch.get(name, {"count": 0, "fen": 0}).items()}
        for name in ("payable", "held")
    }
    return {"sha256": batch["sha256"], "object_version": batch["object_version"], **tallies}


def funds(fen: int) -> dict[str, Any]:
    return {"allocated_fen": fen, "reason": "下达"}
