"""A subsidy is found by what people call it: the module that finds, in Node alone, against the plan's own names."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from yikatong.plan import PlanBook

ASSETS = Path(__file__).resolve().parents[2] / "site" / "assets"
ASKING = """
import { find } from "./everyday-names.js";
let asked = "";
for await (const piece of process.stdin) asked += piece;
const { names, questions } = JSON.parse(asked);
process.stdout.write(JSON.stringify(Object.fromEntries(questions.map((each) => [each, find(names, each)]))));
"""
MINIMUM_INCOME = ["城市最低生活保障金", "农村最低生活保障金"]
FIELDS = ["耕地地力保护补贴资金", "玉米生产者补贴", "大豆生产者补贴", "稻谷生产者补贴"]
FOUND = {
    "玉米补助": ["玉米生产者补贴"],
    "玉米钱": ["玉米生产者补贴"],
    "yumiqian": ["玉米生产者补贴"],
    "大豆补帖": ["大豆生产者补贴"],
    "残疾补贴": ["困难残疾人生活补贴", "重度残疾人护理补贴"],
    "残疾护理补贴": ["重度残疾人护理补贴"],
    "残疾人的钱": ["困难残疾人生活补贴", "重度残疾人护理补贴"],
    "种地补贴": FIELDS,
    "粮食补贴": FIELDS,
    "取暖费": ["城市取暖补助", "农村取暖补助"],
    "低保": MINIMUM_INCOME,
    "低保户": MINIMUM_INCOME,
    "低堡": MINIMUM_INCOME,
    "dibao": MINIMUM_INCOME,
    "农村低保": ["农村最低生活保障金"],
    "生活费": ["孤儿及事实无人抚养儿童基本生活费保障资金"],
    "玉米": ["玉米生产者补贴"],
    "苞米": ["玉米生产者补贴"],
    "公岗": ["公益性岗位补贴"],
}
OFFERED = {
    "玉术": ["玉米生产者补贴"],
    "玉米种植补贴": ["玉米生产者补贴"],
    "大豆种植者补贴": ["大豆生产者补贴"],
    "我家的低保": MINIMUM_INCOME,
}
ABSENT = ["高龄补贴", "养老金", "失业补贴", "没有这一项", "钱"]
AT_MOST = 6


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing")
    # Node takes a file for a module where a package says so; a browser is told by the page.
    folder = tmp_path_factory.mktemp("assets")
    for name in ("everyday-names.js", "sounds.js"):
        shutil.copy(ASSETS / name, folder)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "asking.js").write_text(ASKING, encoding="utf-8")
    questions = [*FOUND, *OFFERED, *ABSENT, "", "残疾 护理"]
    asked = json.dumps({"names": _names(), "questions": questions})
    done = subprocess.run([node, folder / "asking.js"], input=asked, capture_output=True, encoding="utf-8", check=True)
    told: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return told


def _names() -> list[str]:
    return list(PlanBook.committed().plan(2023).names.values())


@pytest.mark.parametrize("question", FOUND)
def test_an_everyday_name_finds_the_subsidy_that_is_meant_and_few_others(
    question: str, answers: dict[str, dict[str, list[str]]]
) -> None:
    found = answers[question]["found"]
    assert set(FOUND[question]) <= set(found)
    assert len(found) <= AT_MOST
    assert not answers[question]["near"]


@pytest.mark.parametrize("question", OFFERED)
def test_a_name_that_fits_only_in_part_offers_the_nearest(
    question: str, answers: dict[str, dict[str, list[str]]]
) -> None:
    assert not answers[question]["found"]
    assert set(OFFERED[question]) <= set(answers[question]["near"])
    assert len(answers[question]["near"]) <= AT_MOST


@pytest.mark.parametrize("question", ABSENT)
def test_what_the_plan_does_not_have_is_not_found(question: str, answers: dict[str, dict[str, list[str]]]) -> None:
    assert answers[question] == {"found": [], "near": []}


def test_no_question_finds_all_and_each_word_of_several_must_fit(answers: dict[str, dict[str, list[str]]]) -> None:
    assert answers[""]["found"] == _names()
    assert answers["残疾 护理"]["found"] == ["重度残疾人护理补贴"]


def test_every_character_of_the_plans_names_can_be_heard() -> None:
    heard = (ASSETS / "sounds.js").read_text(encoding="utf-8")
    assert not {each for name in _names() for each in name if "一" <= each <= "鿿" and each not in heard}
