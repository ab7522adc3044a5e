"""`yikatong payment …`: what people add to the bank's word: a ruling on a frozen payment, money recovered."""

from typing import Annotated

import typer

from cli import api
from cli.api import As, Endpoint, fen_of
from cli.options import BatchId, Reason
from yikatong.errors import Refusal
from yikatong.money import in_yuan

app = typer.Typer(no_args_is_help=True, help="支付：裁定冻结的支付、登记追回。")

Payment = Annotated[str, typer.Argument(metavar="支付号", help="向银行发出的支付号，如 …-1；yikatong trace 会列出。")]


@app.command("rule")
def rule_payment(
    batch: BatchId,
    payment: Payment,
    ruled: Annotated[str, typer.Option("--ruled", metavar="settled|rejected", help="已入账，或没有入账。")],
    reason: Reason,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """银行对一笔支付的答复前后矛盾时，凭对账单裁定哪一个是真的。"""
    if ruled not in ("settled", "rejected"):
        raise Refusal("--ruled 只能是 settled（已入账）或 rejected（没有入账）。")
    path = f"/v1/batches/{batch}/payments/{payment}/ruling"
    # The ruling is on what the bank has said until now: a file that comes while this is on its way is not ruled on.
    seen = api.call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}")["settlement_seq"]
    body = {"ruled": ruled, "reason": reason, "settlement_seq": seen}
    api.call_bureau(endpoint, name, "POST", path, body)
    typer.echo(f"{payment}：已裁定为{'已入账' if ruled == 'settled' else '没有入账'}")


@app.command("recover")
def record_recovery(
    batch: BatchId,
    payment: Payment,
    yuan: Annotated[str, typer.Option("--yuan", metavar="元", help="追回的金额。")],
    on: Annotated[str, typer.Option("--on", metavar="日期", help="追回的日期，如 2023-06-20。")],
    reference: Annotated[str, typer.Option("--reference", metavar="凭证号", help="国库凭证号；同一凭证只登记一次。")],
    reason: Reason,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """登记一笔错发资金的追回；至多为入账未退、未追回的金额。"""
    body = {"amount_fen": fen_of(yuan), "on": on, "reference": reference, "reason": reason}
    path = f"/v1/batches/{batch}/payments/{payment}/recoveries"
    answer = api.call_bureau(endpoint, name, "POST", path, body)
    recovered = answer["recovered"]
    typer.echo(f"已登记。本批次共追回 {recovered['count']} 次，{in_yuan(recovered['fen'])} 元")
