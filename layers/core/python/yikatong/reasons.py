"""Why somebody did something, in their own words: kept in the books for ten years, and read by many (DESIGN §7)."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

_OUR_OWN = re.compile(
    r"[a-z-]+\.(?:formal|trial)\.[0-9]{6}\.[0-9a-f]{16}"  # a batch
    r"|[FT][0-9a-f]{16,26}-[0-9]{4}"  # a message
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}"  # a day
)
_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9Xx]){14}")
"""As long as an id number of the old kind; an account is longer."""


def _without_numbers(reason: str) -> str:
    plain = _OUR_OWN.sub("…", unicodedata.normalize("NFKC", reason))
    if _NUMBER.search(plain):
        raise PydanticCustomError("number_in_reason", "原因里不要写身份证号或账号，写批次号、行号即可")
    return reason


Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_without_numbers)
]
"""One to two hundred characters, and no id number or account in it."""
