"""`yikatong audit` on an export: what it prints, and with which code it ends."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import audit
from tests.unit.auditor.world import PEOPLE, World, world
from tests.unit.payout.rosters import CODE, RECORD_SECRET

ACCOUNT = "123456789012"


def exported(told: World, folder: Path) -> Path:
    """The world as `yikatong local export` writes it."""
    for bucket, objects in told.buckets.items():
        for key, data in objects.items():
            path = folder / "buckets" / f"yikatong-local-{bucket}-{ACCOUNT}" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    (folder / "tables").mkdir()
    for table, items in told.tables.items():
        lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        (folder / "tables" / f"yikatong-local-{table}.jsonl").write_text(lines, encoding="utf-8")
    if told.books:
        (folder / "bank").mkdir()
        (folder / "bank/book.json").write_text(json.dumps(told.books[0]), encoding="utf-8")
    return folder


def run(*arguments: str, key: bytes | None = RECORD_SECRET) -> Result:
    app = typer.Typer()
    app.command("audit", cls=audit.Audit)(audit.audit_books)
    # A second command, so that `audit` is a word of the command line as it is in `yikatong`.
    app.command("other")(lambda: None)
    environment = {audit.RECORD_KEY: key.decode() if key else "", "YIKATONG_ENDPOINT": ""}
    return CliRunner(env=environment).invoke(app, ["audit", *arguments])


def test_a_clean_export_ends_with_0_and_shows_the_result_first_then_the_sheet(tmp_path: Path) -> None:
    done = run("--from", str(exported(world(), tmp_path)))
    assert done.exit_code == audit.CLEAN, done.output
    first, *rest = done.output.splitlines()
    assert first == (
        "全部：核对了 6 个批次、23 笔支付，凭证据重新计算的结果与数据表、公开记录、审计链、银行账簿逐笔逐分相符。"
    )
    printed = "\n".join(rest)
    assert "#2 城市最低生活保障金" in printed
    assert "6,830.50" in printed, "the net of all formal payments"
    assert printed.count("6,830.50") == 3
    assert "不符" not in printed
    assert not [text for one in PEOPLE for text in (one.id_number, one.name, one.account) if text in done.output]


def test_a_difference_ends_with_1_and_is_named_with_its_meaning_and_where(tmp_path: Path) -> None:
    told = world()
    told.batch("other")["settlement"]["settled"]["fen"] += 1
    done = run("--all", "--from", str(exported(told, tmp_path)))
    assert done.exit_code == audit.DIFFERENCES
    assert "有 2 处不符，共 2 种" in done.output.splitlines()[0]
    assert "不符 settlement_differs：批次所记的结算与银行回执重新计算的不符（1 处）" in done.output
    assert f"{told.ids['other']} settled：应为 3 行 1409.00 元，实为 3 行 1409.01 元" in done.output


def test_many_differences_of_a_kind_are_counted_not_all_printed(tmp_path: Path) -> None:
    told = world()
    told.tables["records"] = []
    done = run("--from", str(exported(told, tmp_path)))
    assert done.exit_code == audit.DIFFERENCES
    assert done.output.count("实为 无") <= audit.MOST_SHOWN + 1
    assert "record_missing" in done.output


def test_one_run_only(tmp_path: Path) -> None:
    folder = str(exported(world(), tmp_path))
    done = run("--run", f"{CODE}-20230612-formal-sched", "--from", folder)
    assert done.exit_code == audit.CLEAN
    assert done.output.startswith(f"发放 {CODE}-20230612-formal-sched：核对了 3 个批次")
    assert run("--run", "nobody-knows-it", "--from", folder).exit_code == audit.NOT_CARRIED_OUT


def test_without_the_records_key_it_says_what_was_not_looked_at(tmp_path: Path) -> None:
    told = world()
    told.tables["records"][0]["pk"] = "0" * 64
    folder = str(exported(told, tmp_path))
    without = run("--from", folder, key=None)
    assert without.exit_code == audit.CLEAN
    assert "公开记录只按支付号和笔数核对" in without.output
    assert run("--from", folder).exit_code == audit.DIFFERENCES


@pytest.mark.parametrize(
    "arguments", [(), ("--from", "/nowhere"), ("--bogus",), ("--run", "r", "--all", "--from", "/nowhere")]
)
def test_what_could_not_be_carried_out_ends_with_3(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == audit.NOT_CARRIED_OUT


def test_a_table_that_is_not_what_it_should_be_ends_with_3_and_shows_nothing_of_it(tmp_path: Path) -> None:
    told = world()
    del told.batch("first")["selection"]["key"]
    told.batch("first")["selection"]["sha256"] = PEOPLE[0].id_number
    done = run("--from", str(exported(told, tmp_path)))
    assert done.exit_code == audit.NOT_CARRIED_OUT
    assert "核对没有完成" in done.output
    assert PEOPLE[0].id_number not in done.output


def test_a_key_that_leads_out_of_the_export_is_not_followed(tmp_path: Path) -> None:
    told = world()
    outside = tmp_path / "outside.parquet"
    outside.write_bytes(told.buckets["lake"][told.batch("first")["rows_key"]])
    told.batch("first")["rows_key"] = "../../../outside.parquet"
    folder = tmp_path / "export"
    folder.mkdir()
    done = run("--from", str(exported(told, folder)))
    assert done.exit_code == audit.DIFFERENCES
    assert "roster_altered" in done.output
