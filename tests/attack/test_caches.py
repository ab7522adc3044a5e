"""Between two people stands a cache, a school's or a carrier's, that keeps whatever it may: nobody finds the other's answer."""

from dataclasses import dataclass, field

import pytest

from tests.attack.village import Village, personal, villagers
from tests.public_service import Answered, publish_everything

PUBLIC_PATHS = (
    ("/v1/plan", {}),
    ("/v1/regions", {}),
    ("/v1/calendar", {"year": "2023"}),
    ("/v1/policies", {"year": "2023", "region": "230102"}),
    ("/v1/subsidies/urban-minimum-living", {"year": "2023"}),
    ("/v1/policy-lists/2023/230102", {}),
    ("/v1/disclosure", {"year": "2023"}),
    ("/v1/disclosure/urban-minimum-living/2023-06/230102", {}),
)


@dataclass
class GreedyCache:
    """A shared cache (RFC 9111) that stores every answer it is not forbidden to store, to any method and with any status, and
    hands it to whoever asks for the same address: greedier than the standard allows, as some are."""

    village: Village
    stored: dict[tuple[str, str], Answered] = field(default_factory=dict)
    hits: int = 0

    def call(self, method: str, path: str, body: object = None, **query: str) -> Answered:
        asked = (method, f"{path}?{sorted(query.items())}")
        if asked in self.stored:
            self.hits += 1
            return self.stored[asked]
        answer = self.village.call(method, path, body, query=list(query.items()))
        allowed = {word.strip().lower() for word in answer.headers.get("Cache-Control", "").split(",")}
        if not allowed & {"no-store", "private"}:
            self.stored[asked] = answer
        return answer

    def query(self, name: str, number: str) -> Answered:
        return self.call("POST", "/v1/query", {"name": name, "id_number": number})


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> GreedyCache:
    village = Village(monkeypatch)
    publish_everything(village.made.site)
    return GreedyCache(village)


def test_two_people_behind_one_cache_each_get_their_own_answer(cache: GreedyCache) -> None:
    one, other = villagers()[:2]
    first = cache.query(one.name, one.id_number)
    second = cache.query(other.name, other.id_number)
    assert len(first.json["records"]) == len(second.json["records"]) == 3
    assert first.json["records"] != second.json["records"]
    assert cache.query("无此人", one.id_number).json["records"] == []
    assert cache.stored == {}


def test_no_answer_about_a_person_may_be_stored_whatever_came_of_the_question(cache: GreedyCache) -> None:
    """Found, not found, malformed, too large, to be challenged, refused, broken: all the same, and no ETag either."""
    person = villagers()[0]
    answers = [cache.query(person.name, person.id_number) for _ in range(30)]
    answers += [
        cache.query("无此人", person.id_number),
        cache.call("POST", "/v1/query", "{"),
        cache.call("POST", "/v1/query", []),
    ]
    answers += [cache.call("POST", "/v1/query", {"name": "x" * 5000, "id_number": person.id_number})]
    answers += [cache.call("GET", "/v1/query", name=person.name, id_number=person.id_number)]
    answers += [
        cache.call("GET", "/v1/challenge"),
        cache.call("OPTIONS", "/v1/query"),
        cache.call("HEAD", "/v1/challenge"),
    ]

    def broken(_: str) -> list[dict[str, object]]:
        raise ValueError(person.name)

    cache.village.made.records.of_person = broken  # type: ignore[method-assign]
    answers.append(cache.village.query(villagers()[1].name, villagers()[1].id_number, "192.0.2.99"))
    assert {answer.status for answer in answers} == {200, 204, 405, 413, 422, 429, 500}
    assert cache.stored == {}
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
        assert "Expires" not in answer.headers


def test_what_a_cache_does_keep_names_nobody(cache: GreedyCache) -> None:
    person = villagers()[0]
    cache.query(person.name, person.id_number)
    for path, query in PUBLIC_PATHS:
        for _ in range(2):
            assert cache.call("GET", path, **query).status == 200, path
    assert cache.hits == len(PUBLIC_PATHS)
    kept = "".join(answer.body for answer in cache.stored.values())
    for villager in villagers():
        assert not [word for word in personal(villager) if word in kept]
