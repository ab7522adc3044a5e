"""The register keeps codes permanent (DESIGN §1); the settings are typed and our own (DESIGN §4)."""

from pathlib import Path

import pytest

from yikatong.errors import Refusal
from yikatong.plan import PlanBook, Register, Settings, require_registered
from yikatong.plan.settings import REQUIRABLE_COLUMNS, SETTINGS_PATH
from yikatong.roster.columns import REQUIRED, Column, required_columns_of


def test_every_subsidy_of_the_committed_plan_is_registered(book: PlanBook) -> None:
    require_registered(book, Settings.committed())
    assert len({subsidy.code for subsidy in book.plan(2023).subsidies}) == 45


def test_a_plan_that_is_not_registered_does_not_deploy_and_each_row_is_named(only_2024: PlanBook) -> None:
    with pytest.raises(Refusal) as caught:
        require_registered(only_2024, Settings.committed())
    for subsidy in only_2024.plan(2024).subsidies:
        assert str(subsidy) in caught.value.message


def test_a_new_plan_is_matched_by_name_and_the_rest_by_an_explicit_answer(only_2024: PlanBook) -> None:
    plan = only_2024.plan(2024)
    assert [subsidy.code for subsidy in plan.subsidies][4:] == [None, None]
    with pytest.raises(Refusal, match=r"第5项“玉米种植者补贴”.*\n.*第6项“高龄津贴”"):
        Register.committed().with_plan(plan.year, plan.names, {})
    updated = Register.committed().with_plan(plan.year, plan.names, {5: "corn-producer", 6: "new:old-age"})
    codes = {entry.number: entry.code for entry in updated.entries if entry.plan_year == 2024}
    assert codes == {
        1: "disabled-hardship-living",
        2: "urban-minimum-living",
        3: "public-rental-housing",
        4: "rural-minimum-living",
        5: "corn-producer",
        6: "old-age",
    }


def test_once_registered_the_new_plan_deploys_and_an_old_name_stays_an_alias(
    tmp_path: Path, only_2024: PlanBook
) -> None:
    path = tmp_path / "register.csv"
    updated = Register.committed().with_plan(
        only_2024.plan(2024).year, only_2024.plan(2024).names, {5: "corn-producer", 6: "new:old-age"}
    )
    path.write_text(updated.to_csv(), "utf-8")
    register = Register.load(path)
    source = Path(__file__).parent / "fixtures" / "plan-2024.csv"
    book = PlanBook.load([source], register)
    require_registered(book, Settings.committed())
    assert book.by_code(2024, "corn-producer").number == 5
    assert register.code_by_name("玉米种植者补贴") == register.code_by_name("玉米生产者补贴") == "corn-producer"
    assert register.with_plan(book.plan(2024).year, book.plan(2024).names, {}) == register


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({5: "corn-growers", 6: "new:old-age"}, "没有代码“corn-growers”"),
        ({5: "new:corn-producer", 6: "new:old-age"}, "已被占用"),
        ({5: "corn-producer", 6: "new:Old Age"}, "不合规"),
        ({5: "corn-producer", 6: "new:" + "a" * 25}, "不合规"),
        ({5: "urban-minimum-living", 6: "new:old-age"}, "同一年用了两次"),
        ({5: "corn-producer", 6: "new:old-age", 7: "new:more"}, "没有第7项"),
    ],
)
def test_an_answer_that_would_break_the_register_is_refused(
    only_2024: PlanBook, answers: dict[int, str], said: str
) -> None:
    with pytest.raises(Refusal, match=said):
        Register.committed().with_plan(only_2024.plan(2024).year, only_2024.plan(2024).names, answers)


def test_a_registered_code_cannot_be_changed(book: PlanBook) -> None:
    with pytest.raises(Refusal, match="永久"):
        Register.committed().with_plan(book.plan(2023).year, book.plan(2023).names, {17: "new:something-else"})


def test_the_committed_register_is_written_as_it_is_read() -> None:
    register = Register.committed()
    assert register.to_csv() == (SETTINGS_PATH.parent / "register.csv").read_text("utf-8")


def test_a_mistyped_code_in_the_settings_does_not_deploy_as_if_nothing_had_been_said(
    tmp_path: Path, book: PlanBook
) -> None:
    path = tmp_path / "settings.toml"
    text = SETTINGS_PATH.read_text("utf-8")
    path.write_text(text.replace("[subsidy.corn-producer]", "[subsidy.corn-producers]"), "utf-8")
    with pytest.raises(Refusal, match=r"登记簿里：corn-producers$"):
        require_registered(book, Settings.load(path))


def test_every_household_subsidy_asks_for_the_head_and_every_farm_subsidy_for_area_and_standard(book: PlanBook) -> None:
    settings = Settings.committed()
    for subsidy in book.plan(2023).subsidies:
        policy = settings.for_subsidy(subsidy.code)
        farm = "生产者补贴" in subsidy.name or "耕地" in subsidy.name
        assert policy.amount_is_quantity_times_standard == farm, subsidy.name
        assert {"standard", "quantity"}.issubset(policy.required_columns) == farm, subsidy.name
        assert ("head_id" in policy.required_columns) == policy.household, subsidy.name


def test_what_the_settings_may_ask_for_are_the_columns_of_a_roster() -> None:
    assert set(REQUIRABLE_COLUMNS) == set(Column) - set(REQUIRED)
    corn = required_columns_of(Settings.committed().for_subsidy("corn-producer"))
    assert corn == (*REQUIRED, Column.HEAD_ID, Column.STANDARD, Column.QUANTITY)
    assert required_columns_of(Settings.committed().for_subsidy(None)) == REQUIRED


def test_settings_have_defaults_and_exclusive_groups() -> None:
    settings = Settings.committed()
    plain = settings.for_subsidy("forest-ranger")
    assert (plain.code, plain.claim_group, plain.payday, plain.exclusive) == (
        "forest-ranger",
        "forest-ranger",
        10,
        False,
    )
    assert plain.second_approval_fen is None
    urban, rural = settings.for_subsidy("urban-minimum-living"), settings.for_subsidy("rural-minimum-living")
    assert urban.claim_group == rural.claim_group
    assert urban.exclusive
    assert settings.for_subsidy(None).payday == 10


def test_subsidies_that_exclude_each_other_say_so_on_both_sides() -> None:
    settings = Settings.committed()
    urban, destitute = settings.for_subsidy("urban-minimum-living"), settings.for_subsidy("rural-destitute-living")
    assert destitute.code in urban.exclusive_with
    assert urban.code in destitute.exclusive_with
    assert (urban.exclusive_level, settings.for_subsidy("forest-ranger").exclusive_with) == ("review", ())


def test_names_that_reveal_illness_disability_or_bereavement_are_sensitive(book: PlanBook) -> None:
    settings = Settings.committed()
    for subsidy in book.plan(2023).subsidies:
        if any(word in subsidy.name for word in ("残疾", "孤儿", "艾滋病", "医疗")):
            assert settings.for_subsidy(subsidy.code).sensitive, subsidy.name


def test_an_exclusion_within_a_claim_group_would_say_the_same_thing_twice(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    text = SETTINGS_PATH.read_text("utf-8")
    for own, other in (("urban", "rural"), ("rural", "urban")):
        header = f"[subsidy.{own}-heating]"
        text = text.replace(header, f'{header}\nexclusive_with = ["{other}-heating"]')
    path.write_text(text, "utf-8")
    with pytest.raises(Refusal, match="已经互斥"):
        Settings.load(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("payday = 10 ", "pay_day = 10 ", "缺少 payday"),
        ("sensitive = false", "sensitive = false\ncolour = 1", "不认识的键：colour"),
        ("payday = 10 ", "payday = 29 ", "1 至 28"),
        ("payday = 10 ", "payday = true ", "整数"),
        ("hour = 9", "hour = 24", "hour"),
        ('weekday = "WED"', 'weekday = "SUN"', "weekday"),
        ("[schedule]", "[scheduling]", "不认识的键：scheduling"),
        ("amount_limit_fen = 10_000_000", "amount_limit_fen = 100000.00", "整数"),
        ("payday = 10 ", "payday = ", "TOML"),
        ("[subsidy.rural-heating]\nhousehold = true", "[subsidy.rural-heating]\nhousehold = false", "必须相同"),
        ("[subsidy.public-rental-housing]", "[subsidy.Public]", "不合规"),
        ('exclusive_with = ["disabled-hardship-living"]', 'exclusive_with = ["corn-producer"]', "互相写明"),
        ('exclusive_with = ["disabled-hardship-living"]', 'exclusive_with = "corn-producer"', "列表"),
        ('exclusive_with = ["disabled-hardship-living"]', "exclusive_with = [1]", "代码的列表"),
        ('exclusive_with = ["disabled-hardship-living"]', 'exclusive_level = "hold"', "review 或 exclude"),
        ('required_columns = ["head_id"]', 'required_columns = ["head_id", "shoe_size"]', "不认识的列：'shoe_size'"),
        ('required_columns = ["head_id"]', 'required_columns = "head_id"', "列表"),
        ('required_columns = ["head_id"]', "required_columns = [[]]", "不认识的列"),
        ('required_columns = ["head_id"]', "", "household，required_columns 必须包含 head_id"),
        ('"standard", "quantity"]', '"standard"]', "quantity_times_standard，required_columns 必须包含 quantity"),
        ("sensitive = false", "sensitive = false\namount_is_quantity_times_standard = true", "defaults"),
        ("sensitive = false", 'sensitive = false\nexclusive_with = ["corn-producer"]', "所有项目互斥"),
    ],
)
def test_a_settings_file_with_a_fault_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SETTINGS_PATH.read_text("utf-8")
    assert old in text
    path = tmp_path / "settings.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(Refusal, match=said):
        Settings.load(path)
