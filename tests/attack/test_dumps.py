"""Whoever carries the tables away, knowing every name and thousands of possible id numbers, names nobody of them."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from tests.attack.village import KEY, Known, Village, outcomes_of, villagers
from yikatong.attempts import counter_name
from yikatong.records import key_mark, person_key

ADDRESSES = [f"192.0.2.{host}" for host in range(64)]
GUESSED_KEYS = [
    *(
        "",
        "secret",
        "record",
        "records",
        "record-key",
        "RECORD_KEY_SECRET",
        "yikatong",
        "yikatong: counters of attempts",
    ),
    *("password", "123456", "230102", "2023", "local", "test", "changeme"),
]
"""Keys that somebody might have typed instead of drawing one."""


@pytest.fixture(scope="module")
def village() -> Iterator[Village]:
    """Asked by ten villagers and ten guessers, so that there is something in both tables."""
    with pytest.MonkeyPatch.context() as patched:
        asked = Village(patched)
        for person, address in zip(villagers()[:10], ADDRESSES, strict=False):
            assert asked.query(person.name, person.id_number, address).json["records"]
            asked.query(person.name, next(Known(person).wrong_numbers()), address)
        yield asked


def records_dump(village: Village) -> list[dict[str, object]]:
    return list(village.made.records.items.values())


def attempts_dump(village: Village) -> list[dict[str, object]]:
    attempts = village.made.attempts
    return [
        {"id": name, "attempts": attempts.counts[name], "expires": attempts.expires[name]} for name in attempts.counts
    ]


def test_a_record_holds_these_attributes_and_no_other(village: Village) -> None:
    allowed = {
        *(
            "pk",
            "sk",
            "key_mark",
            "role",
            "code",
            "subsidy",
            "plan_year",
            "region",
            "slot",
            "amount_fen",
            "state",
            "status",
        ),
        *("paid_on", "channel", "account_tail", "seq"),
    }
    for record in records_dump(village):
        assert record.keys() == allowed
        assert re.fullmatch("[0-9a-f]{64}", str(record["pk"]))
        assert re.fullmatch("[0-9]{4}", str(record["account_tail"]))


def test_neither_table_holds_a_name_a_number_an_account_or_a_birth_date(village: Village) -> None:
    text = json.dumps([records_dump(village), attempts_dump(village)], ensure_ascii=False)
    for person in villagers():
        number, account = person.id_number, person.account
        # Eight characters: fewer stand in some amount or digest by chance.
        for part in (person.name, number, number[:8], number[6:14], number[-8:], account, account[:8], account[-8:]):
            assert part not in text
    assert not any(address in text for address in ADDRESSES)


def digests(text: str) -> Iterator[str]:
    """What one would try: plain hashes, and HMACs under keys somebody might have typed, or that lie open."""
    data = text.encode()
    for algorithm in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2s"):
        yield hashlib.new(algorithm, data).hexdigest()
    for key in (*GUESSED_KEYS, key_mark(KEY)):
        yield hmac.digest(key.encode(), data, "sha256").hex()
    yield base64.b16encode(data).decode().lower()


SPELLINGS: tuple[Callable[[str, str], str], ...] = (
    lambda number, name: f"{number}|{name}",
    lambda number, name: f"{name}|{number}",
    lambda number, name: number + name,
    lambda number, _: number,
)


def test_no_name_and_number_that_the_attacker_tries_gives_a_key_of_either_table(village: Village) -> None:
    """The right pairs are among them: without the secret they cannot be told from the wrong ones."""
    keys = {str(record["pk"]) for record in records_dump(village)} | {str(row["id"]) for row in attempts_dump(village)}
    tried = 0
    for person in villagers():
        for number in (person.id_number, *islice(Known(person).wrong_numbers(), 20)):
            for spelling in SPELLINGS[: 4 if number == person.id_number else 1]:
                for digest in digests(spelling(number, person.name)):
                    tried += 1
                    assert digest not in keys
    assert tried > 70_000
    with_the_key = person_key(KEY, villagers()[0].id_number, villagers()[0].name)
    assert with_the_key in keys, "the attacker lacks nothing but the secret"


def test_a_counter_says_neither_who_asked_nor_whom_for_nor_that_it_is_yesterdays_again(village: Village) -> None:
    rows = {str(row["id"]) for row in attempts_dump(village)}
    assert rows.isdisjoint({str(record["pk"]) for record in records_dump(village)})
    now = int(village.made.now().timestamp())
    for kind, value, window_s in (("address", ADDRESSES[0], 3_600), ("number", villagers()[0].id_number, 86_400)):
        begin = now - now % window_s
        assert counter_name(KEY, kind, value, begin) in rows, "the attacker lacks nothing but the secret"
        assert counter_name(KEY, kind, value, begin - window_s) not in rows
        assert not rows & {counter_name(key.encode(), kind, value, begin) for key in GUESSED_KEYS}


def test_what_can_be_linked_is_what_the_privacy_page_says(village: Village) -> None:
    """A person's own payments lie together, each with subsidy, region, slot, amount and tail: whoever carries the table away
    and already knows one exact amount of somebody's finds that person's other payments."""
    amounts: dict[str, set[object]] = {}
    for record in records_dump(village):
        amounts.setdefault(str(record["pk"]), set()).add(record["amount_fen"])
    known_fen = next(outcomes_of(villagers()[7], 7)).amount_fen
    (linked,) = [key for key, found in amounts.items() if known_fen in found]
    assert linked == person_key(KEY, villagers()[7].id_number, villagers()[7].name)
    assert len([record for record in records_dump(village) if record["pk"] == linked]) == 3
