"""Independent looks at one table, several at a time.

polars works on one column on one thread; different columns can share the processors.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Result = TypeVar("Result")


def side_by_side(looks: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each look returns, in their order; an error is raised. As many at once as polars itself may use threads."""
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(lambda look: look(), looks))
