"""Asking a person before something is done, or for what must not be shown; where nobody sits at a terminal, saying so."""

import sys

import typer

from yikatong.errors import Refusal

AGREED = ("y", "yes", "是")


def agree(question: str, *, yes: bool, undone: str, otherwise: str = "") -> None:
    """Go on only if `yes`, or a person at the terminal says so; `undone` says what was not done, `otherwise` how to avoid it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal(f"{undone}：这里不是终端，无人可问（送进来的 y 不算），确认无误请加 --yes{otherwise}。")
    answer = typer.prompt(f"{question}（是请输入 y，不是请直接回车）", default="", show_default=False)
    if answer.strip().lower() not in AGREED:
        raise Refusal(f"{undone}。")


def secret(what: str, option: str) -> str:
    """What is typed unseen; where there is no terminal to hide it on, the first line that is sent in."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True))
    typed = sys.stdin.readline().strip()
    if not typed:
        raise Refusal(f"缺少{what}：这里不是终端，无法询问，请用 {option} 给出。")
    return typed
