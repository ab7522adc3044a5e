"""Heilongjiang's regions by their GB/T 2260 codes: province, cities, counties; the table is python-stdnum's.

>>> name_of("230102"), name_of("230100"), name_of("230000")
('哈尔滨市道里区', '哈尔滨市', '黑龙江省')
>>> known("230199")
False
"""

import re
from functools import cache
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from stdnum import numdb

from yikatong.errors import Refusal

PROVINCE_DIGITS = "23"
_CODE = re.compile(rf"{PROVINCE_DIGITS}[0-9]{{4}}")
# The table writes the years of a name before it: `[1983-]道里区` is in force, `[-2004]太平区` is not.
_DATED = re.compile(r"\[(?P<since>[0-9]*)-(?P<until>[0-9]*)\](?P<name>.+)")


IN_WORDS = "in_words"
"""The kind of a validation error whose message is ours: Chinese, and without what was sent."""


def _of_the_province(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise PydanticCustomError(IN_WORDS, "应是黑龙江省的六位行政区划代码，如 230102")
    return text


Region = Annotated[str, AfterValidator(_of_the_province)]
"""A region's code in a request: of the province by its form; `require_known` asks the table."""


@cache
def own_name(code: str) -> str:
    """The region's own name in force, empty for a code that names none."""
    if not _CODE.fullmatch(code):
        return ""
    found = numdb.get("cn/loc").info(code)
    names = found[-1][1].get("county", "") if len(found) > 1 else ""
    for text in names.split(","):
        dated = _DATED.fullmatch(text)
        if dated is None or not dated["until"]:
            return dated["name"] if dated else str(text)
    return ""


def known(code: str) -> bool:
    """Whether the code names a region of the province that is in force."""
    return bool(own_name(code))


def name_of(code: str) -> str:
    """The name as people say it, a county after its city; the code itself where it names nothing."""
    own = own_name(code)
    if not own:
        return code
    if code.endswith("00"):
        return own
    return own_name(f"{code[:4]}00") + own


def require_known(code: str) -> None:
    """Refuse a code that names no region."""
    if not known(code):
        raise Refusal(
            f"{code} 不是黑龙江省现行的行政区划代码（GB/T 2260），请核对，例如哈尔滨市道里区是 230102。",
            "unknown_region",
        )
