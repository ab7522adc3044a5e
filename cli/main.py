"""The command `yikatong`: every sub-command lives in the module of its name."""

import sys

import typer

from yikatong.errors import Refusal

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="惠民惠农财政补贴资金“一卡通”。")


def _add_commands() -> None:
    from cli import plan

    app.add_typer(plan.app, name="plan")


def main() -> None:
    """Run the command line; a refusal is printed to stderr in its own words and ends with exit code 1."""
    _add_commands()
    try:
        app()
    except Refusal as refusal:
        typer.echo(f"错误：{refusal.message}", err=True)
        sys.exit(1)
