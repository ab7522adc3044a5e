"""What the bank was told: exactly the rows to be sent, each once, and the messages say the same (PROTOCOL B1, B2)."""

from typing import Any

import polars as pl

from auditor.bank_files import Instruction
from auditor.books import is_formal
from auditor.check_batches import UNCHANGED, rows_text
from auditor.evidence import read_json
from auditor.scope import Scope
from auditor.source import LAKE
from auditor.stories import Story
from auditor.tallies import Sum, sum_of, yuan


def check_instructions(scope: Scope) -> None:
    for story in scope.stories.values():
        if story.payments is not None:
            _check_rows(story, scope)
            _check_messages(story, scope)
    _check_ids(scope)
    _check_marks(scope)


def _check_rows(story: Story, scope: Scope) -> None:
    """Every instructed row is one that was selected, and every selected one is instructed, unchanged."""
    assert story.payments is not None
    sent = story.chosen("sent")
    if sent is None:
        return
    columns = [*UNCHANGED, "pay_account"]
    told, wanted = story.payments.select(columns).sort(columns), sent.select(columns).sort(columns)
    if not told.equals(wanted):
        strange = told.join(wanted, on=columns, how="anti", nulls_equal=True)
        missing = wanted.join(told, on=columns, how="anti", nulls_equal=True)
        rows = sorted({*strange["row"], *missing["row"]}) or story.payments["row"].to_list()
        where = f"{story.batch_id} 第 {rows_text(rows)} 行"
        scope.findings.add("instruction_not_selected", where, sum_of(wanted), sum_of(told))


def _check_messages(story: Story, scope: Scope) -> None:
    assert story.payments is not None
    findings, where = scope.findings, story.batch_id
    named = set(story.item["instruction"]["messages"])
    prefix = f"instructions/{where}/"
    stored = {key.removeprefix(prefix).removesuffix(".xml") for key in scope.source.keys(LAKE, prefix)} - {
        "payments.parquet"
    }
    findings.compare("messages_differ", where, sorted(named), sorted(stored | (named - set(story.messages))))
    lines = {message: rows for (message,), rows in story.payments.group_by("message_id")}
    findings.compare("messages_differ", f"{where} 付款指令文件", sorted(named), sorted(map(str, lines)))
    for message, read in story.messages.items():
        place = f"{where} {message}"
        rows = lines.get(message, story.payments.clear())
        _check_lines(place, rows, read, scope)
        total = Sum(len(read.orders), sum(order.amount_fen for order in read.orders))
        stated = [Sum(count, fen) for count, fen in zip(read.counts, read.sums_fen, strict=True)]
        for one in stated:
            findings.compare("message_total_differs", place, total, one)
        findings.compare("messages_differ", f"{place} 报文号", message, read.message_id)
        findings.compare("messages_differ", f"{place} 通道", not is_formal(story.item), read.trial)


def _check_lines(place: str, rows: pl.DataFrame, read: Instruction, scope: Scope) -> None:
    """Line by line: the id, and behind it the amount, the account and the name; only the id and the amount are shown."""
    wanted = {
        one: rest for one, *rest in rows.select("end_to_end_id", "amount_fen", "pay_account", "payee_name").rows()
    }
    told: dict[str, list[Any]] = {
        order.end_to_end_id: [order.amount_fen, order.account, order.name] for order in read.orders
    }
    for one in sorted({*wanted, *told}):
        if wanted.get(one) == told.get(one):
            continue
        amounts = [f"{yuan(line[one][0])} 元" if one in line else "无" for line in (wanted, told)]
        if amounts[0] == amounts[1]:
            amounts[1] += "，账户或户名不同"
        scope.findings.add("message_lines_differ", f"{place} {one}", *amounts)
    if len(told) != len(read.orders):
        scope.findings.add("message_lines_differ", place, f"{len(told)} 笔", f"{len(read.orders)} 笔，有重复")


def _check_ids(scope: Scope) -> None:
    """One payment id for one entitled unit and slot of a subsidy, for ever; each attempt of it once (PROTOCOL B1, B5)."""
    columns = ["payment_id", "attempt", "end_to_end_id", "slot", "key", "row"]
    frames = [
        story.payments.select(
            *columns,
            pl.lit(story.item["code"]).alias("code"),
            pl.lit(story.batch_id).alias("batch_id"),
        )
        for story in scope.stories.values()
        if story.payments is not None and is_formal(story.item)
    ]
    if not frames:
        return
    payments = pl.concat(frames, how="vertical_relaxed")
    wrong = payments.filter(
        pl.col("end_to_end_id") != pl.concat_str("payment_id", pl.lit("-"), pl.col("attempt").cast(pl.String))
    )
    for batch_id, one in wrong.select("batch_id", "end_to_end_id").rows():
        scope.findings.add("payment_id_shared", f"{batch_id} {one}", "支付号-次数", "不符")
    units = payments.select("payment_id", "code", "slot", "key").unique()
    for by in (["payment_id"], ["code", "slot", "key"]):
        for one in units.filter(pl.struct(by).is_duplicated())["payment_id"].unique().sort():
            scope.findings.add("payment_id_shared", one, "一人（户）一个属期一个支付号", "不止一个")
    twice = payments.filter(pl.col("end_to_end_id").is_duplicated()).sort("end_to_end_id", "batch_id")
    for (one,), rows in twice.group_by("end_to_end_id", maintain_order=True):
        batches = "、".join(rows["batch_id"])
        scope.findings.add("attempt_repeated", str(one), "一次", f"{rows.height} 次（{batches}）")


def _check_marks(scope: Scope) -> None:
    """A mark stands for bytes that left: its batch must have said so first."""
    for key in scope.source.keys(LAKE, "sent/"):
        message, mark = key.removeprefix("sent/"), read_json(scope.source, key)
        batch_id = mark.get("batch_id") if isinstance(mark, dict) else None
        story = scope.stories.get(batch_id or "")
        if story is None and not scope.whole:
            continue
        if story is None or not story.instructed or message not in story.item["instruction"]["messages"]:
            scope.findings.add("mark_without_message", key, "已下达指令的批次的报文", batch_id or "无")
