"""Tables on a terminal or in a pipe: never narrower than what they hold, so that ids can be copied and no column vanishes."""

from typing import Any

from rich.console import Console
from rich.table import Table

from yikatong.money import in_yuan

_ENDLESS = 10_000


def new_table(
    title: str, words: tuple[str, ...] = (), numbers: tuple[str, ...] = (), remarks: tuple[str, ...] = ()
) -> Table:
    """Columns of words, then of numbers, flush right, then of remarks."""
    table = Table(title=title or None, title_justify="left")
    for heading in words:
        table.add_column(heading, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in remarks:
        table.add_column(heading, no_wrap=True)
    return table


def add_row(table: Table, *cells: object) -> None:
    table.add_row(*(str(cell) for cell in cells))


def print_table(*tables: Table) -> None:
    """At its full width: a narrow terminal breaks the line, which loses nothing."""
    for table in tables:
        needed = Console(width=_ENDLESS).measure(table).maximum
        Console(width=max(Console().width, needed), highlight=False).print(table)


def tally_words(tally: dict[str, Any]) -> str:
    """`3 行 1,560.00 元`."""
    return f"{tally['count']} 行 {in_yuan(tally['fen'])} 元"
