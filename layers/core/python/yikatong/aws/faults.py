"""Exceptions without other people's words in them.

An unhandled exception's text ends up in a log line, in Step Functions' history and in an SQS error (DESIGN §7), and a
library's text may quote a row: `could not convert '…'`. So what leaves a function is the kind of the exception and the
place it came from. Our own exceptions speak of batches and keys only, and pass as they are.
"""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def without_quoting(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a handler: a foreign exception is replaced by one of the same name whose text is its place in our code."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # raised again at once, under the same name
            if type(error).__module__.startswith("yikatong."):
                raise
            raise type(type(error).__name__, (Exception,), {})(_place(error)) from None

    return wrapped


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-6:]))
