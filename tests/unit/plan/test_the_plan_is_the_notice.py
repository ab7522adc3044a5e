"""The committed plan agrees with the notice, row by row; a damaged notice is refused by row and column."""

from pathlib import Path

import pytest

from yikatong.errors import Refusal
from yikatong.plan import Plan, PlanBook, Register
from yikatong.plan.book import PLANS_FOLDER
from yikatong.plan.notice import read_csv, read_notice, read_text, write_csv

HERE = Path(__file__).parent
NOTICE = HERE / "fixtures" / "notice-2023.txt"
COMMITTED = PLANS_FOLDER / "heilongjiang-2023.csv"


def golden_rows() -> list[list[str]]:
    lines = (HERE / "golden" / "plan-2023.txt").read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines if not line.startswith("#")]


def dates(text: str) -> dict[str, str | None]:
    first, last = text.split("..") if text != "-" else (None, None)
    return {"from": first and f"2023-{first}", "to": last and f"2023-{last}"}


@pytest.mark.parametrize("row", golden_rows(), ids=lambda row: f"row-{row[0]}")
def test_each_row_reads_as_the_notice_says(row: list[str]) -> None:
    number, name, departments, frequency, months, rule, trial, formal, on_demand = row
    first, last = months.split("..")
    steps, unit = rule.split() if rule != "-" else ("0", "")
    assert PlanBook.committed().subsidy(2023, int(number)).as_record() == {
        "number": int(number),
        "name": name,
        "lead_departments": departments.split("、"),
        "frequency": frequency,
        "entitlement": {"first": f"2023-{first}", "last": f"2023-{last}"},
        "cross_period": {"back": int(steps), "forward": int(steps), "unit": unit} if unit else None,
        "trial": {"required": trial != "-", **dates(trial)},
        "formal": {**dates(formal), "on_demand": on_demand == "yes"},
    }


def test_the_golden_table_and_the_plan_both_have_45_rows() -> None:
    assert [int(row[0]) for row in golden_rows()] == list(range(1, 46))
    assert len(PlanBook.committed().plan(2023).subsidies) == 45


def test_importing_the_notice_writes_exactly_the_committed_file() -> None:
    assert write_csv(read_notice(read_text(NOTICE))).encode() == COMMITTED.read_bytes()


def test_the_committed_file_has_45_rows_of_8_columns_without_blanks() -> None:
    rows = read_csv(read_text(COMMITTED))
    assert len(rows) == 45
    assert {len(row.cells) for row in rows} == {8}
    assert not any(cell.split() != [cell] for row in rows for cell in row.cells)


def refusal_of(text: str) -> str:
    with pytest.raises(Refusal) as caught:
        Plan.from_rows(read_notice(text), Register.committed())
    return caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\n17\t", "\n\t", ["第53行", "“序号”列", "应为17"]),
        ("\n17\t", "\n16\t", ["第53行（序号16）", "“序号”列", "16重复"]),
        ("\n17\t", "\n18\t", ["第53行（序号18）", "“序号”列", "应为17"]),
        ("\n17\t", "\n１７\t", ["“序号”列", "应为17"]),
        ("\n17\t困难残疾人", "\n17 困难残疾人", ["第53行", "实有7列"]),
        ("\t2023年1月\t2023年1-3月", "\t2023年1-3月", ["第33行（序号1）", "“模拟测试时间”列", "实有7列"]),
        ("\t2023年1月\t2023年1-3月", "\t2023年1月\t2023年1-3月\t", ["第33行（序号1）", "列", "实有9列"]),
        ("2023年6月下旬", "2023年6月中旬", ["（序号39）", "“模拟测试时间”列", "2023年6月中旬"]),
        ("2023年上半年", "2023年上半", ["（序号36）", "“正式发放时间”列", "2023年上半"]),
        ("委员会\t1次/年", "委员会\t3次/年", ["（序号1）", "“发放频次”列", "3次/年"]),
        ("省林业和草原局", "林业和草原局", ["（序号45）", "“省级牵头组织实施单位”列"]),
        ("2023年1月\t2023年3月", "2023年1月\t2023年13月", ["（序号38）", "“正式发放时间”列"]),
        ("2023年1月\t2023年3月", "2024年1月\t2023年3月", ["（序号38）", "“模拟测试时间”列", "不在计划年度"]),
        ("追溯1个季度", "追溯个季度", ["（序号43）", "“跨属期发放规则”列"]),
        (
            "当前季向前/后追溯1个季度",
            "当前月向前/后追溯1个月",
            ["（序号43）", "“跨属期发放规则”列", "不适用于发放频次"],
        ),
        ("雨露计划", " ", ["（序号42）", "“补贴项目名称”列", "不能为空"]),
        ("42\t雨露计划", "42\t本专科国家助学金", ["“补贴项目名称”列", "重复"]),
        ("\t发放频次\t", "\t频次\t", ["（表头）", "第4列", "频次"]),
    ],
)
def test_a_damaged_notice_is_refused_by_row_and_column(old: str, new: str, said: list[str]) -> None:
    text = read_text(NOTICE)
    assert old in text
    message = refusal_of(text.replace(old, new, 1))
    assert all(word in message for word in said), message


def test_a_row_that_is_gone_is_missed_even_at_the_end() -> None:
    lines = read_text(NOTICE).splitlines()
    assert "应为17，读到18" in refusal_of("\n".join(line for line in lines if not line.startswith("17\t")))
    assert "共45项，表格里有44行" in refusal_of("\n".join(line for line in lines if not line.startswith("45\t")))


def test_every_fault_is_told_at_once() -> None:
    text = read_text(NOTICE).replace("2023年上半年", "2023年明年").replace("省林业和草原局", "林草")
    assert len(refusal_of(text).splitlines()) == 2


def test_a_text_without_a_table_is_refused() -> None:
    assert "找不到表头" in refusal_of("黑龙江省财政厅 文件")


def test_a_single_month_has_no_reading_for_a_half_yearly_subsidy() -> None:
    text = read_text(COMMITTED).replace(
        "2次/年,2023年,无,直接上线发放,2023年上半年", "2次/年,2023年,无,直接上线发放,2023年6月"
    )
    with pytest.raises(Refusal, match=r"（序号36）“正式发放时间”列.*只对"):
        Plan.from_rows(read_csv(text), Register.committed())


def test_two_plans_of_one_year_are_refused() -> None:
    with pytest.raises(Refusal, match="2023年的计划给了两份"):
        PlanBook.load([COMMITTED, COMMITTED])
