"""Defects planted on purpose: each a small change of the product's text, which the simulation must see.

The product is copied, changed, and simulated in processes of its own until a history is violated. `python -m
tests.simulation.mutants` plays all of them and says how many histories each took; a change that no longer fits the text is an
error, since it would plant nothing.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("layers/core/python")
MOST_HISTORIES = 4000
PORTION = 100


@dataclass(frozen=True)
class Mutant:
    """`old`, once in `file` (under `yikatong/`), becomes `new`. `rule`: what that breaks."""

    name: str
    rule: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant(
        "a write without its condition",
        "C2",
        "aws/control.py",
        'return put | {\n            "ConditionExpression": "version = :expected",',
        'return put | {} if type(item).__name__ == "Manifest" else put | {\n'
        '            "ConditionExpression": "version = :expected",',
    ),
    Mutant(
        "a claim file's name without its base",
        "C2",
        "manifest.py",
        'return f"claims/{claim_group}/{slot}/{run_id}/v{base}-{inputs[:16]}.parquet"',
        'return f"claims/{claim_group}/{slot}/{run_id}/v.parquet"',
    ),
    Mutant(
        "claims are looked at by key only, not by beneficiary",
        "C1",
        "claims.py",
        "if key in taken or beneficiary in taken or strange:",
        "if key in taken or strange:",
    ),
    Mutant(
        "standing claims are not looked at",
        "C2",
        "use_cases/claim_payments.py",
        "chosen = claims.choose(_candidates(manifest.slot, context, todo, judge), standing)",
        "chosen = claims.choose(_candidates(manifest.slot, context, todo, judge), standing.clear())",
    ),
    Mutant(
        "a batch's own claim counts as another's",
        "C2, trace 4",
        "use_cases/claim_payments.py",
        'own = standing.filter(pl.col("batch_id") == item.batch.batch_id)\n',
        'own = standing.filter(pl.col("batch_id") == (item.batch.batch_id if todo else ""))\n',
    ),
    Mutant(
        "INSTRUCTED is stored after sending",
        "B1",
        "use_cases/instruct_bank.py",
        "        try:\n            batch = _store(batch, control, lake, banks, book, settings, secret, now)\n",
        """        class Later:
            kept = None

            def read(self, model, pk, sk):
                mine = self.kept is not None and (pk, sk) == (self.kept.pk, self.kept.sk)
                return self.kept if mine else control.read(model, pk, sk)

            def save(self, item):
                self.kept = item

        try:
            later = Later()
            batch = _store(batch, later, lake, banks, book, settings, secret, now)
            _hand_over(batch, run_id, lake, bank, banks.bank(batch.instruction.bank_id), now)
            with suppress(Conflict):
                control.save(batch)
            batch = _read(batch_id, control)
""",
    ),
    Mutant(
        "sent again on silence",
        "B3",
        "use_cases/instruct_bank.py",
        "            ask_about(message, batch, lake, bank, agent, now, may_leave=True)\n",
        "            with suppress(BankSilence):\n                send_stored(message, batch, lake, bank)\n",
    ),
    Mutant(
        "the sent mark after sending",
        "B2, trace 1",
        "use_cases/instruct_bank.py",
        "        if put_mark(message, mark.encode(), lake):\n",
        '        if lake.get(f"sent/{message}") is None:\n'
        "            with suppress(BankSilence):\n"
        "                send_stored(message, batch, lake, bank)\n"
        "            put_mark(message, mark.encode(), lake)\n"
        "            continue\n"
        "        if put_mark(message, mark.encode(), lake):\n",
    ),
    Mutant(
        "a message is sent again while it may be under way",
        "B3, trace 2",
        "use_cases/resend_message.py",
        "    if left_s > 0:\n",
        "    if left_s > 10**9:\n",
    ),
    Mutant(
        "a reservation in two writes",
        "W3",
        "use_cases/reserve_funds.py",
        'control.save(batch.changed(reserved_fen=amount_fen, carried=""), reserved)',
        'control.save(reserved)\n    control.save(batch.changed(reserved_fen=amount_fen, carried=""))',
    ),
    Mutant(
        "funds below zero are nobody's concern",
        "W3",
        "funds.py",
        "        if available is not None and amount_fen > available:\n",
        "        if available is not None and amount_fen > available + 200_000:\n",
    ),
    Mutant(
        "funds written without a condition",
        "W3",
        "aws/control.py",
        "        if item.version == 0:\n            return put | {",
        '        if type(item).__name__ == "Funds":\n            return put\n'
        "        if item.version == 0:\n            return put | {",
    ),
    Mutant(
        "a rejection gives nothing back",
        "W3",
        "use_cases/settle_batch.py",
        "        holds_fen = settlement.in_doubt.fen\n",
        "        holds_fen = settlement.in_doubt.fen + settlement.rejected.fen\n",
    ),
    Mutant(
        "a return is still spent",
        "W3",
        "batches.py",
        "return max(0, self.settlement.settled.fen - self.settlement.returned.fen - self.recovered.fen)",
        "return max(0, self.settlement.settled.fen - self.recovered.fen)",
    ),
    Mutant(
        "a withdrawal keeps its reservation",
        "W3, trace 11",
        "use_cases/withdraw_batch.py",
        "            if reserved_fen:\n",
        "            if reserved_fen and False:\n",
    ),
    Mutant(
        "a withdrawal with nothing claimed yet releases nothing",
        "W1, trace 7",
        "use_cases/withdraw_batch.py",
        "        released = with_release(manifest, [batch_id])\n        if released is None:\n",
        "        released = with_release(manifest, [batch_id])\n"
        "        if released is None or manifest.file_of(batch_id) is None:\n",
    ),
    Mutant(
        "nobody finishes a withdrawal that was cut short",
        "C2, trace 12",
        "use_cases/withdraw_batch.py",
        "    write_releases(batch, group, control=control)\n",
        "    if not batch.run_id:\n        write_releases(batch, group, control=control)\n",
    ),
    Mutant(
        "amounts of a receipt are not compared",
        "B4",
        "receipts.py",
        'pl.col("our_fen").is_not_null() & (pl.col("amount_fen").is_null() | (pl.col("amount_fen") == pl.col("our_fen")))',
        'pl.col("our_fen").is_not_null()',
    ),
    Mutant(
        "sums of a receipt are not compared",
        "B4",
        "receipts.py",
        'if receipt.original_sum_fen not in (None, int(ours["amount_fen"].sum())):',
        "if False:",
    ),
    Mutant(
        "a receipt from any bank is taken",
        "B4",
        "use_cases/receive_receipt.py",
        '    if sent["bank_id"] != bank_id:\n        return None\n',
        '    if sent["bank_id"] != bank_id:\n        pass\n',
    ),
    Mutant(
        "woken before the receipt is stored",
        "B4",
        "use_cases/receive_receipt.py",
        '        keep_receipt(data, batch, reach.lake, "delivered")\n        take_effect(batch.batch_id, reach, workflow)\n',
        '        take_effect(batch.batch_id, reach, workflow)\n        keep_receipt(data, batch, reach.lake, "delivered")\n',
    ),
    Mutant(
        "contradictory words do not freeze",
        "B6",
        "settlement.py",
        'pl.when(credited & pl.col("rejected"))',
        "pl.when(pl.lit(False))",
    ),
    Mutant(
        "UNKNOWN is taken for rejected",
        "B3, trace 6",
        "use_cases/enquire_bank.py",
        "            keep_answer(answer, batch, lake)\n        elif ",
        """            keep_answer(answer, batch, lake)
        else:
            rejected = (
                '<?xml version="1.0" encoding="UTF-8"?>'
                '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"><CstmrPmtStsRpt>'
                '<GrpHdr><MsgId>none</MsgId><CreDtTm>2023-06-12T12:00:00+08:00</CreDtTm></GrpHdr>'
                f'<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>'
                '<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>'
            )
            keep_answer(rejected.encode(), batch, lake)
        if answer is None and """,
    ),
    Mutant(
        "a run takes trial rosters too",
        "R2",
        "use_cases/open_run.py",
        "for batch in control.query(Batch, batches_pk(order.code, order.mode)) if concerns(order, batch)]",
        "for mode in ('trial', 'formal') for batch in control.query(Batch, batches_pk(order.code, mode))]",
    ),
    Mutant(
        "a retry reads the approved batches again",
        "R2, trace 3",
        "use_cases/open_run.py",
        "    inputs = RunInputs.model_validate_json(stored)\n",
        "    inputs = _freeze(run, control, workflow, book, settings)\n",
    ),
    Mutant(
        "closed with batches unfinished",
        "R2",
        "use_cases/close_run.py",
        "if unfinished := [batch.batch_id for batch in batches if _is_unfinished(batch, control, lake)]:",
        "if unfinished := []:",
    ),
    Mutant(
        "a batch of a dead run stays bound for ever",
        "R2, trace 3",
        "use_cases/open_run.py",
        '    return workflow.status(run.execution) == "RUNNING"\n',
        '    return workflow.status(run.execution) != "ABSENT"\n',
    ),
    Mutant(
        "the settlement is not looked at again after it was committed",
        "B4, trace 5",
        "use_cases/settle_batch.py",
        "        with suppress(Conflict):\n            _commit(batch, settlement, control)\n",
        "        with suppress(Conflict):\n            _commit(batch, settlement, control)\n        return batch\n",
    ),
    Mutant(
        "a settlement is written without a condition",
        "W3",
        "aws/control.py",
        "        if item.version == 0:\n            return put | {",
        '        if type(item).__name__ == "Batch" and item.state == "SETTLED":\n            return put\n'
        "        if item.version == 0:\n            return put | {",
    ),
    Mutant(
        "late records may stand",
        "DESIGN §2",
        "use_cases/publish_records.py",
        "        except Conflict:\n            continue\n        return written\n",
        "        except Conflict:\n            return written\n        return written\n",
    ),
    Mutant(
        "the chain says nothing of what was there before",
        "O2",
        "ledger.py",
        "    changes = {name: new.get(name) for name in fields if known.get(name) != new.get(name)}\n",
        "    changes = {name: new.get(name) for name in fields if known.get(name) != new.get(name) and name != 'run_id'}\n",
    ),
)


class DoesNotApply(Exception):
    """The text a mutant changes is not there once: nothing would be planted."""


def changed(mutant: Mutant) -> str:
    """The text of the mutant's file with its change; raises `DoesNotApply`."""
    text = (ROOT / PACKAGE / "yikatong" / mutant.file).read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise DoesNotApply(f"{mutant.name}: {mutant.file} has the text {text.count(mutant.old)} times")
    return text.replace(mutant.old, mutant.new)


def plant(mutant: Mutant, folder: Path) -> None:
    """A copy of the package with this one change."""
    text = changed(mutant)
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / PACKAGE / "yikatong" / mutant.file).write_text(text, encoding="utf-8")


def killed_after(mutant: Mutant, first: int, most: int) -> tuple[int | None, str]:
    """How many histories the simulation took to see it, None if it did not; and what it saw."""
    with tempfile.TemporaryDirectory() as folder:
        plant(mutant, Path(folder))
        environment = {**os.environ, "PYTHONPATH": str(Path(folder) / PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tests.simulation.mutants", "--play", str(first), str(most)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    found = re.search(r"^killed by (\d+): (.*)$", done.stdout, re.MULTILINE)
    if found:
        return int(found[1]) - first + 1, found[2]
    if done.returncode:
        raise RuntimeError(f"{mutant.name}: {done.stderr[-2000:]}")
    return None, ""


def _play(first: int, most: int) -> None:
    """In the process that has the mutant for its package."""
    from tests.simulation.history import play

    for seed in range(first, first + most):
        told = play(seed)
        if told.violation:
            sys.stdout.write(f"killed by {seed}: {told.violation[:200]}\n")
            return


def play_all(mutants: Sequence[Mutant], first: int, most: int) -> int:
    """Two at a time; the number of those that lived."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    lived = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        begun = time.monotonic()
        for mutant, (took, saw) in zip(
            mutants, pool.map(lambda one: killed_after(one, first, most), mutants), strict=True
        ):
            lived += took is None
            verdict = f"killed after {took:5,}" if took else f"LIVED through {most:,}"
            sys.stdout.write(f"{verdict}  {mutant.name} ({mutant.rule})  {saw[:110]}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(mutants) - lived} of {len(mutants)} mutants killed, {time.monotonic() - begun:.0f} s\n")
    return lived


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=MOST_HISTORIES, help="histories a mutant may live through")
    parser.add_argument("--only", default="", help="mutants whose name has this in it")
    parser.add_argument("--play", nargs=2, type=int, metavar=("SEED", "MOST"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.play:
        _play(*asked.play)
        return 0
    chosen = [mutant for mutant in MUTANTS if asked.only in mutant.name]
    return 1 if play_all(chosen, asked.seed, asked.most) else 0


if __name__ == "__main__":
    sys.exit(main())
