"""The public API from event to answer: what is public is told to all, and everything wrong says what to do."""

import json
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import api
from cli.api_docs import DOCUMENT
from cli.main import _add_commands, app
from tests.public_service import PublicWiring, Service, cell, publish_cells, publish_everything
from yikatong.aws.public_api.common import BODY_LIMIT_BYTES
from yikatong.errors import Refusal
from yikatong.money import in_yuan

SITE = "https://ykt.example.gov.cn"
LIVING = "urban-minimum-living"
PUBLIC = ["/v1/plan", "/v1/calendar", "/v1/regions", "/v1/policies", "/v1/disclosure", f"/v1/subsidies/{LIVING}"]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = PublicWiring(SITE_ORIGIN=SITE)
    publish_everything(made.site)
    return Service(monkeypatch, made)


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_the_plan_is_told_to_all_and_may_be_cached(service: Service) -> None:
    answer = service.get("/v1/plan")
    plan = answer.json
    assert (answer.status, plan["year"], len(plan["subsidies"])) == (200, 2023, 45)
    assert (plan["subsidies"][1]["name"], plan["subsidies"][1]["code"]) == ("城市最低生活保障金", LIVING)
    assert plan["subsidies"][1]["formal"] == {"from": "2023-01-01", "to": "2023-12-31", "on_demand": False}
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert service.get("/v1/plan", year="2023").body == answer.body


def test_a_year_without_a_plan_is_not_found_and_not_cached(service: Service) -> None:
    answer = service.get("/v1/plan", year="2031")
    assert (answer.status, answer.problem) == (404, "no_plan")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_calendar_names_every_subsidys_days_moved_off_the_holidays(service: Service) -> None:
    calendar = service.get("/v1/calendar").json
    rows = {row["code"]: row for row in calendar["subsidies"]}
    assert (calendar["year"], calendar["holidays_published"], len(rows)) == (2023, True, 45)
    assert len(rows[LIVING]["payments"]) == 12
    # 2023-06-10 is a Saturday.
    june = {"from": "2023-06-12", "to": "2023-06-12", "kind": "day", "words": "6月12日（10日银行休息）"}
    assert june in rows[LIVING]["payments"]
    (harvest,) = rows["corn-producer"]["payments"]
    assert (harvest["from"], harvest["to"], harvest["kind"]) == ("2023-08-01", "2023-09-30", "window")
    assert all(row["payments"] for row in rows.values())


def test_the_regions_are_those_in_force_by_their_own_and_their_full_names(service: Service) -> None:
    regions = {row["code"]: row for row in service.get("/v1/regions").json["regions"]}
    assert regions["230102"] == {
        "code": "230102", "name": "道里区", "full_name": "哈尔滨市道里区", "level": "county"
    }  # fmt: skip
    assert [regions[code]["level"] for code in ("230000", "230100")] == ["province", "city"]
    # 太平区 was dissolved in 2004, and 市辖区 is no place.
    assert not {"230105", "230101"} & set(regions)
    # The table python-stdnum carries writes these in traditional characters.
    assert {"加格达奇区", "松岭区", "新林区", "呼中区"} <= {row["name"] for row in regions.values()}


# --- policies ---------------------------------------------------------------------------------------------------------


def documents(answer: Any, code: str = LIVING) -> list[dict[str, Any]]:
    (policy,) = [each for each in answer.json["policies"] if each["code"] == code]
    return list(policy["documents"])


def test_every_version_of_a_policy_is_listed_and_the_one_in_force_says_so(service: Service) -> None:
    answer = service.get("/v1/policies")
    assert len(answer.json["policies"]) == 45
    assert [(each["version"], each["in_force"]) for each in documents(answer)] == [(2, True), (1, False)]
    assert documents(answer, "rural-minimum-living") == []
    # Who published it is the bureau's own business.
    assert "published_by" not in answer.body


def test_a_county_has_its_own_policies_beside_the_provinces(service: Service) -> None:
    ours = documents(service.get("/v1/policies", region="230102"))
    assert {(each["region"], each["document"]) for each in ours} == {("230000", "measures"), ("230102", "daoli")}
    theirs = documents(service.get("/v1/policies", region="230103"))
    assert {each["region"] for each in theirs} == {"230000"}


@pytest.mark.parametrize(
    ("slot", "versions"), [("2023-03", [1]), ("2023-04", [2]), ("2023Q1", [1]), ("2023H1", [1, 2]), ("2018", [])]
)
def test_the_policy_in_force_on_a_slot_is_the_version_of_that_time(
    service: Service, slot: str, versions: list[int]
) -> None:
    answer = service.get(f"/v1/policies/{LIVING}/in-force", slot=slot, region="230100")
    assert [each["version"] for each in answer.json["documents"]] == versions


def test_an_occasions_slot_is_asked_for_with_its_name(service: Service) -> None:
    answer = service.get("/v1/policies/temporary-relief/in-force", slot="2023#FLOOD", region="230000")
    assert (answer.status, answer.json["slot"], answer.json["documents"]) == (200, "2023#FLOOD", [])


def test_the_card_says_in_plain_words_who_gets_how_much_how_often_and_when(service: Service) -> None:
    card = service.get(f"/v1/subsidies/{LIVING}").json
    assert card["who"] == "家庭人均收入低于当地低保标准的城市居民"
    assert (card["how_much"], card["filled_in_by"]) == ("每人每月不低于 650 元", "230000")
    assert (card["how_often"], card["when_paid"]) == ("每月发一次", "2023年每月10日，遇银行休息日顺延")
    assert card["when_missed"] == "漏发的，2个月以内可以补发"
    assert len(card["payments"]) == 12
    assert [each["version"] for each in card["documents"]] == [2]


def test_a_county_that_set_its_own_standard_shows_it_on_the_card(service: Service) -> None:
    card = service.get(f"/v1/subsidies/{LIVING}", region="230102").json
    assert (card["how_much"], card["filled_in_by"]) == ("每人每月 700 元", "230102")
    assert service.get(f"/v1/subsidies/{LIVING}", region="230103").json["how_much"] == "每人每月不低于 650 元"


def test_a_card_whose_department_has_not_filled_in_its_list_says_nothing_it_does_not_know(service: Service) -> None:
    card = service.get("/v1/subsidies/corn-producer").json
    assert [card[each] for each in ("who", "how_much", "filled_in_by", "documents")] == [None, None, None, []]
    assert card["when_paid"] == "2023年8月至9月，名单审定后发放"


def test_a_collected_list_names_a_countys_own_subsidies_and_who_is_missing(service: Service) -> None:
    found = service.get("/v1/policy-lists/2023/230102").json
    assert [(each["number"], each["name"]) for each in found["entries"]][1] == (None, "本区高龄津贴")
    assert found["missing"] == [{"department": "省教育厅", "subsidies": [27, 28]}]
    assert service.get("/v1/policy-lists/2023/230103").status == 404


# --- disclosure -------------------------------------------------------------------------------------------------------


def test_the_index_tells_of_which_subsidies_there_is_anything(service: Service) -> None:
    index = service.get("/v1/disclosure").json
    assert [(each["code"], each["slots"], each["cells"]) for each in index["subsidies"]] == [
        ("temporary-relief", ["2023#FLOOD"], 1),
        (LIVING, ["2023-06"], 1),
    ]
    assert (index["cells"], index["as_of"]) == ([], "2023-06-30")


def test_a_subsidys_cells_are_found_by_a_region_with_all_below_it(service: Service) -> None:
    def regions(**query: str) -> list[str]:
        return [each["region"] for each in service.get("/v1/disclosure", code=LIVING, **query).json["cells"]]

    assert regions() == regions(region="230000") == regions(region="230100") == regions(region="230102") == ["230102"]
    assert regions(region="230200") == regions(region="230103") == []


@pytest.mark.parametrize("code", [LIVING, "temporary-relief"])
def test_each_row_of_the_index_leads_to_its_cell(service: Service, code: str) -> None:
    (row,) = service.get("/v1/disclosure", code=code).json["cells"]
    path, _, query = row["href"].partition("?")
    found = service.call("GET", path, query=[tuple(query.split("="))]).json
    assert (found["slot"], found["region"], found["people"]) == (row["slot"], row["region"], row["people"])
    assert len(found["rows"]) == found["people"]


def test_before_anything_is_disclosed_the_index_is_empty_and_a_cell_is_not_found(service: Service) -> None:
    service.made.site.documents.clear()
    empty = {"plan_year": 2023, "as_of": None, "subsidies": [], "cells": []}
    assert service.get("/v1/disclosure").json == empty
    missing = service.get(f"/v1/disclosure/{LIVING}/2023-06/230102")
    assert (missing.status, missing.problem) == (404, "not_found")


def test_a_sum_has_no_names(service: Service) -> None:
    publish_cells(service.made.site, cell(LIVING, "2023-05", "230102", 7, kind="aggregate"))
    found = service.get(f"/v1/disclosure/{LIVING}/2023-05/230102").json
    assert (found["kind"], found["rows"], found["people"]) == ("aggregate", [], 7)


def test_who_looks_for_a_region_that_was_merged_is_told_where_it_stands(service: Service) -> None:
    publish_cells(service.made.site, cell(LIVING, "2023-05", "230100", merged=["230103"]))
    answer = service.get(f"/v1/disclosure/{LIVING}/2023-05/230103")
    assert (answer.status, answer.problem) == (404, "not_found")
    assert "已并入哈尔滨市其他地区的公示表" in answer.json["detail"]


def test_a_long_list_comes_in_the_parts_it_was_published_in(service: Service) -> None:
    publish_cells(service.made.site, cell(LIVING, "2023-05", "230102", 4_001))
    path = f"/v1/disclosure/{LIVING}/2023-05/230102"
    assert [len(service.get(path, part=part).json["rows"]) for part in ("1", "2", "3")] == [2_000, 2_000, 1]
    assert (service.get(path).json["part"], service.get(path).json["parts"]) == (1, 3)
    assert service.get(path, part="4").status == 404


def test_a_cell_that_is_replaced_meanwhile_is_looked_for_again(service: Service) -> None:
    site = service.made.site
    (key,) = [each for each in site.documents if f"{LIVING}/2023-06/230102/" in each]
    index = site.documents[f"published/disclosure/2023/{LIVING}/index.json"]
    newer, kept = key.replace("000001", "000002"), site.documents.pop(key)
    get = site.get

    def replacing(asked: str) -> bytes | None:
        if asked == key:
            site.documents[newer] = kept
            index["cells"][0]["href"] = f"/{newer}"
        return get(asked)

    site.get = replacing  # type: ignore[method-assign]
    assert service.get(f"/v1/disclosure/{LIVING}/2023-06/230102").json["people"] == 5


def test_what_a_published_document_holds_besides_does_not_leave(service: Service) -> None:
    """Whoever writes it may one day write more: only what is described is told."""
    site = service.made.site
    (key,) = [each for each in site.documents if f"{LIVING}/2023-06/230102/" in each]
    site.documents[key]["rows"][0]["id_number"] = "230102199001011230"
    assert "230102199001011230" not in service.get(f"/v1/disclosure/{LIVING}/2023-06/230102").body
    assert "follows" not in service.get("/v1/disclosure", code=LIVING).body


def test_the_api_reads_what_was_published_and_nothing_else(service: Service) -> None:
    for path in (*PUBLIC, f"/v1/disclosure/{LIVING}/2023-06/230102", "/v1/policy-lists/2023/230102"):
        assert service.get(path).status == 200
    assert service.made.site.asked
    assert all(key.startswith("published/") for key in service.made.site.asked)


def test_a_document_that_is_not_as_agreed_is_our_fault_and_not_the_callers(service: Service) -> None:
    del service.made.site.documents["published/policies/230000.json"]["documents"][0]["title"]
    answer = service.get("/v1/policies")
    assert (answer.status, answer.problem) == (500, "broken")


# --- every request ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PUBLIC)
def test_who_has_the_latest_is_not_sent_it_again(service: Service, path: str) -> None:
    first = service.get(path)
    for held in (first.headers["ETag"], f"W/{first.headers['ETag']}", f'"other", {first.headers["ETag"]}', "*"):
        again = service.call("GET", path, headers={"if-none-match": held})
        assert (again.status, again.body, again.headers["ETag"]) == (304, "", first.headers["ETag"])
        assert again.headers["Cache-Control"] == "public, max-age=300"
    assert service.call("GET", path, headers={"If-None-Match": '"other"'}).body == first.body


def test_what_changes_changes_its_etag(service: Service) -> None:
    before = service.get("/v1/policies").headers["ETag"]
    service.made.site.documents["published/policies/230000.json"]["documents"].pop()
    assert service.call("GET", "/v1/policies", headers={"If-None-Match": before}).status == 200


def test_head_has_the_headers_and_no_body(service: Service) -> None:
    whole, head = service.get("/v1/plan"), service.call("HEAD", "/v1/plan")
    assert (head.status, head.body, head.headers["ETag"]) == (200, "", whole.headers["ETag"])
    assert service.call("HEAD", "/v1/query").status == 405


def test_the_sites_origin_alone_may_read_answers(service: Service) -> None:
    ours = service.call("GET", "/v1/plan", headers={"origin": SITE})
    assert (ours.headers["Access-Control-Allow-Origin"], ours.headers["Vary"]) == (SITE, "Origin")
    assert "Retry-After" in ours.headers["Access-Control-Expose-Headers"]
    for origin in ("https://evil.example", "null", SITE + ".evil.example", SITE.upper(), "http://ykt.example.gov.cn"):
        theirs = service.call("GET", "/v1/plan", headers={"Origin": origin})
        assert not [name for name in theirs.headers if name.startswith("Access-Control")]
        assert theirs.headers["Vary"] == "Origin"


def test_refusals_may_be_read_by_the_site_as_well(service: Service) -> None:
    for answer in (
        service.call("POST", "/v1/query", "{", headers={"Origin": SITE, "Content-Type": "application/json"}),
        service.call("GET", "/v1/nothing", headers={"Origin": SITE}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == SITE


def test_a_browser_may_ask_first_and_only_the_site_is_allowed(service: Service) -> None:
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    ours = service.call("OPTIONS", "/v1/query", headers=asked)
    assert (ours.status, ours.headers["Access-Control-Allow-Methods"]) == (204, "POST, OPTIONS")
    assert ours.headers["Access-Control-Allow-Headers"] == "Content-Type"
    theirs = service.call("OPTIONS", "/v1/query", headers=asked | {"Origin": "https://evil.example"})
    assert not [name for name in theirs.headers if name.startswith("Access-Control")]
    assert service.call("OPTIONS", "/v1/nothing", headers=asked).status == 404


def test_where_site_and_api_share_an_address_no_other_origin_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Service(monkeypatch, PublicWiring())
    answer = alone.call("GET", "/v1/plan", headers={"Origin": SITE})
    assert not {"Access-Control-Allow-Origin", "Vary"} & set(answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "words"),
    [
        ("GET", "/v1/nothing", [], 404, "没有这个地址"),
        ("GET", "/", [], 404, "没有这个地址"),
        ("DELETE", "/v1/plan", [], 405, "GET"),
        ("GET", "/v1/query", [("name", "张三")], 405, "POST"),
        ("GET", "/v1/plan", [("year", "2023"), ("year", "2024")], 422, "只能写一次"),
        ("GET", "/v1/plan", [("year", "今年")], 422, "应是整数"),
        ("GET", "/v1/plan", [("year", "1999")], 422, "不小于 2000"),
        ("GET", "/v1/policies", [("region", "110000")], 422, "写法不对"),
        ("GET", "/v1/policies", [("region", "239999")], 404, "没有行政区划代码"),
        ("GET", "/v1/policies/nothing/in-force", [("slot", "2023"), ("region", "230000")], 404, "没有这个代码"),
        ("GET", f"/v1/policies/{LIVING}/in-force", [("region", "230000")], 422, "slot缺少"),
        ("GET", f"/v1/policies/{LIVING}/in-force", [("slot", "2023-13"), ("region", "230000")], 422, "写法不对"),
        ("GET", "/v1/subsidies/nothing", [], 404, "没有代码为"),
        ("GET", "/v1/subsidies/NOTHING", [], 422, "写法不对"),
        ("GET", f"/v1/disclosure/{LIVING}/..%2F..%2Fx/230102", [], 422, "写法不对"),
    ],
)
def test_whatever_is_wrong_is_answered_by_a_problem_that_says_what_to_do(
    service: Service, method: str, path: str, query: list[tuple[str, str]], status: int, words: str
) -> None:
    answer = service.call(method, path, query=query)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.problem
    assert words in answer.json["detail"]
    assert answer.json["correlation_id"] == "request-1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "kind", "status", "problem"),
    [
        ("{", "application/json", 422, "bad_json"),
        ("[" * 4000, "application/json", 422, "bad_json"),
        ('{"name": 1' + "0" * 4050 + "}", "application/json", 422, "invalid"),
        ('[{"name": "张三", "id_number": "1"}]', "application/json", 422, "bad_json"),
        (b"\xff\xfe", "application/json", 422, "bad_json"),
        ('{"name": "\\ud800", "id_number": "1"}', "application/json", 422, "invalid"),
        ('{"name": null, "id_number": "1"}', "application/json", 422, "invalid"),
        ("", "application/json", 422, "invalid"),
        ("<a/>", "text/xml", 415, "wrong_type"),
        ('{"name": "张三", "id_number": "1"}', "text/plain", 415, "wrong_type"),
        ('{"name": "张三", "id_number": "1"}', "application/json-patch", 415, "wrong_type"),
        ('{"name": "张三", "id_number": "1"}', None, 415, "wrong_type"),
        ('{"name": "' + "张" * BODY_LIMIT_BYTES + '"}', "application/json", 413, "too_large"),
        (b"\xff" * (BODY_LIMIT_BYTES + 1), "application/json", 413, "too_large"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_wrong_request_not_a_fault(
    service: Service, body: str | bytes, kind: str | None, status: int, problem: str
) -> None:
    answer = service.call("POST", "/v1/query", body, headers={} if kind is None else {"content-type": kind})
    assert (answer.status, answer.problem) == (status, problem)
    assert "张" not in answer.body
    assert "张" not in service.log.getvalue()
    assert not service.made.attempts.counts


def test_json_with_its_charset_named_is_json(service: Service) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert service.call("POST", "/v1/query", {"name": "张三", "id_number": "1"}, headers=headers).status == 200


# --- the description --------------------------------------------------------------------------------------------------


def test_the_committed_description_is_what_the_code_says() -> None:
    _add_commands()
    outcome = CliRunner().invoke(app, ["api-docs", "--check"])
    assert outcome.exit_code == 0, outcome.exception
    described = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    assert described["openapi"].startswith("3.1")
    assert all(path.startswith("/v1/") for path in described["paths"])


def test_a_description_that_lags_behind_the_code_is_noticed(tmp_path: Any) -> None:
    stale = tmp_path / "openapi.json"
    stale.write_text("{}", encoding="utf-8")
    _add_commands()
    outcome = CliRunner().invoke(app, ["api-docs", "--check", "--path", str(stale)])
    assert isinstance(outcome.exception, Refusal)
    assert CliRunner().invoke(app, ["api-docs", "--path", str(stale)]).exit_code == 0
    assert stale.read_text(encoding="utf-8") == DOCUMENT.read_text(encoding="utf-8")


def test_every_operation_describes_its_problems_and_only_what_is_public_may_be_kept() -> None:
    described = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for path, operations in described["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert {"200", "405", "422", "500"} <= set(answers), path
            assert ("304" in answers) == (path not in ("/v1/query", "/v1/challenge"))
            wrong = [answer for status, answer in answers.items() if int(status) >= 400]
            assert all(set(answer["content"]) == {"application/problem+json"} for answer in wrong)


# --- starting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["public_api", "bureau_api"])
def test_an_api_function_starts_without_the_columnar_libraries(function: str) -> None:
    assert loaded(function, "polars", "pandas") == []


def test_the_public_api_starts_without_what_a_query_may_never_need() -> None:
    assert loaded("public_api", "boto3", "stdnum", "chinese_calendar", "yikatong.ledger", "yikatong.aws.bank") == []


def loaded(function: str, *modules: str) -> list[str]:
    script = f"import sys, functions.{function}.handler; print(*(m for m in {modules} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("text", "fen"), [("1", 100), ("0.05", 5), ("1234.5", 123_450), ("1,234.50", 123_450), ("9" * 13, 10**15 - 100)]
)
def test_yuan_as_people_type_them_become_fen(text: str, fen: int) -> None:
    assert api.fen_of(text) == fen
    assert api.fen_of(in_yuan(fen)) == fen


@pytest.mark.parametrize("text", ["", "1.005", "-1", "1e3", "１", "1.", ".5", "1 000", "1\n"])
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="至多两位小数"):
        api.fen_of(text)
