"""The demo as a stranger runs it: it balances, its books can be checked by anyone, and its logs name nobody."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.cloud

ROOT = Path(__file__).parents[2]
PERSONAL = ("姓名", "身份证号", "社保卡账号")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo run once in a process of its own: its export, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    command = [str(Path(sys.executable).parent / "yikatong"), "demo", "--keep", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stderr == ""
    return folder, done.stdout


def _batches(folder: Path) -> list[dict[str, Any]]:
    (table,) = (folder / "tables").glob("*control*.jsonl")
    items = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    return [item for item in items if item["pk"].startswith("BATCHES#")]


def test_the_exported_books_balance_with_the_banks_own(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    bank = json.loads((folder / "bank/book.json").read_text(encoding="utf-8"))
    formal = [batch for batch in _batches(folder) if batch["mode"] == "formal"]
    settled = sum(batch["settlement"]["settled"]["fen"] for batch in formal)
    returned = sum(batch["settlement"]["returned"]["fen"] for batch in formal)
    assert len(formal) == 8
    assert (settled, returned) == (bank["moved_fen"], bank["returned_fen"])
    assert returned > 0
    assert all(payment["credited_times"] <= 1 for payment in bank["payments"].values())


def _audit(folder: Path) -> subprocess.CompletedProcess[str]:
    """The auditor as anyone runs it: over the files alone, after the cloud is gone."""
    command = [str(Path(sys.executable).parent / "yikatong"), "audit", "--from", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_an_auditor_that_shares_no_code_finds_the_books_right(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    assert "独立核对：核对了 12 个批次、" in printed
    done = _audit(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "逐笔逐分相符" in done.stdout.splitlines()[0]


def test_one_fen_changed_in_the_exported_funds_is_found(demo: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "tampered"
    shutil.copytree(demo[0], folder)
    (table,) = (folder / "tables").glob("*control*.jsonl")
    items = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    funds = next(item for item in items if item["pk"] == "FUNDS#corn-producer")
    funds["spent_fen"] += 1
    table.write_text("".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items), encoding="utf-8")
    done = _audit(folder)
    assert done.returncode == 1
    named = {line.split("：")[0] for line in done.stdout.splitlines() if line.startswith("不符 ")}
    assert named == {"不符 funds_differ", "不符 chain_differs"}


def test_trials_moved_no_money_and_published_nothing(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    bank = json.loads((folder / "bank/book.json").read_text(encoding="utf-8"))
    assert {len(one) for one in bank["payments"]} == {len("X" * 26 + "-1")}
    assert {len(one) for one in bank["trial"]["payments"]} == {len("T" + "X" * 26 + "-1")}
    assert len(bank["trial"]["payments"]) > 500
    (table,) = (folder / "tables").glob("*records*.jsonl")
    records = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    assert len(records) > 1500
    published = {record["sk"].split("#")[-2] for record in records}
    assert published <= set(bank["payments"])


def test_the_plans_rules_show(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    (table,) = (folder / "tables").glob("*control*.jsonl")
    items = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    runs = {item["sk"]: item for item in items if item["pk"].startswith("RUNS#") and item["batch_count"]}
    assert sorted((run["mode"], run["code"], run["as_of"]) for run in runs.values() if run["cause"] == "sched") == [
        ("formal", "corn-producer", "2023-08-01"),
        ("formal", "disabled-hardship-living", "2023-06-12"),
        ("formal", "urban-minimum-living", "2023-06-12"),
        ("trial", "corn-producer", "2023-06-21"),
        ("trial", "disabled-hardship-living", "2023-01-09"),
    ]
    assert "属期 2023-02 不在可发放的属期 2023-04 至 2023-08 之内" in printed
    assert "正式发放时间是 2023-08-01 至 2023-09-30" in printed


def test_no_log_line_of_the_demo_names_anybody(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    (cards,) = folder.glob("buckets/*card-drop*/*.csv")
    rows = list(csv.DictReader(io.StringIO(cards.read_text(encoding="utf-8-sig"))))
    assert len(rows) > 1500
    logs = "".join(file.read_text(encoding="utf-8") for file in sorted((folder / "logs").glob("*.log")))
    assert logs.count("\n") > 100
    assert "payments claimed" in logs
    # A name of two characters may stand in ordinary words by chance; the logs hold no Chinese at all.
    named = [row for row in rows for column in PERSONAL if row[column] and row[column] in logs + printed]
    assert not named
    assert not [character for character in logs if "一" <= character <= "鿿"]
