"""One look at several parts of a table, as many at a time as there are processors.

polars works on one column on one thread; different parts can share the processors.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import TypeVar

import polars as pl

Part = TypeVar("Part")
Result = TypeVar("Result")


def pieces(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """The frame in the pieces it was put together from, whose columns lie beside each other in memory: what is done piece by
    piece copies nothing else."""
    edges = pairwise(accumulate(frame.to_series().chunk_lengths(), initial=0))
    return [frame[start:end] for start, end in edges]


def side_by_side(look: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """What the look returns for each part, in order; the first error in that order is raised and the rest is not begun."""
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(look, parts))
