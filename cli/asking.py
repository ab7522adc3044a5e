"""Asking a person before something is done; where nobody sits at a terminal, refusing with what to do instead."""

import sys

import typer

from yikatong.errors import Refusal


def agree(question: str, *, yes: bool, undone: str, otherwise: str = "") -> None:
    """Go on only if `yes`, or a person at the terminal says so; `undone` says what was not done, `otherwise` how to avoid it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal(f"{undone}：这里无人可问，确认无误请加 --yes{otherwise}。")
    if not typer.confirm(question):
        raise Refusal(f"{undone}。")
