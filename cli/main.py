"""The command `yikatong`: every sub-command lives in the module of its name."""

import sys

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from yikatong.errors import Refusal

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="惠民惠农财政补贴资金“一卡通”：计划、名册、审批、发放、查询。",
)


def _add_commands() -> None:
    from cli import (
        api_docs,
        audit,
        batch,
        cards,
        departed,
        disclosure,
        funds,
        invoke,
        local,
        occasion,
        payment,
        plan,
        policy,
        portal,
        query,
        queue,
        records,
        roster,
        run,
        send,
        subsidy,
        trace,
        work,
    )
    from cli.demo.run import demo

    app.add_typer(plan.app, name="plan")
    app.add_typer(roster.app, name="roster")
    app.add_typer(cards.app, name="cards")
    app.add_typer(departed.app, name="departed")
    app.add_typer(policy.app, name="policy")
    app.command("send")(send.send)
    app.add_typer(batch.app, name="batch")
    app.add_typer(occasion.app, name="occasion")
    app.add_typer(funds.app, name="funds")
    app.add_typer(run.app, name="run")
    app.add_typer(subsidy.app, name="subsidy")
    app.add_typer(payment.app, name="payment")
    app.add_typer(disclosure.app, name="disclosure")
    app.add_typer(portal.app, name="portal")
    app.add_typer(queue.app, name="queue")
    app.add_typer(records.app, name="records")
    app.command("work")(work.work)
    app.command("query")(query.query)
    app.command("trace")(trace.trace)
    app.command("audit", cls=audit.Audit)(audit.audit_books)
    app.add_typer(local.app, name="local")
    app.command("invoke")(invoke.invoke)
    app.command("api-docs")(api_docs.api_docs)
    app.command("demo")(demo)


def main() -> None:
    """Run the command line. A refusal is printed to stderr in its own words and ends with 1; a command line that cannot be
    understood with what is wrong with it, and its own code."""
    from cli.in_chinese import speak, wrong

    _add_commands()
    command = speak(get_command(app))
    try:
        code = command.main(prog_name="yikatong", standalone_mode=False)
    except Refusal as refusal:
        typer.echo(f"错误：{refusal.message}", err=True)
        sys.exit(1)
    except typer.Abort:
        typer.echo("已取消。", err=True)
        sys.exit(1)
    except TyperException as error:
        # Where a command by itself means its help, that was printed already, and nothing is wrong.
        if said := wrong(error):
            context = getattr(error, "ctx", None)
            how = f"\n{context.get_usage()}\n说明：{context.command_path} --help" if context else ""
            typer.echo(f"错误：{said}{how}", err=True)
        sys.exit(getattr(error, "exit_code", 1))
    sys.exit(code if isinstance(code, int) else 0)
