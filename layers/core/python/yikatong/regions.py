"""Heilongjiang's regions by their GB/T 2260 codes: province, cities, counties; the table is python-stdnum's.

>>> name_of("230102"), name_of("230100"), name_of("230000")
('哈尔滨市道里区', '哈尔滨市', '黑龙江省')
>>> known("230199")
False
"""

import re
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from yikatong.errors import Refusal

PROVINCE_DIGITS = "23"
PROVINCE = f"{PROVINCE_DIGITS}0000"
_CODE = re.compile(rf"{PROVINCE_DIGITS}[0-9]{{4}}")
# The table writes the years of a name before it: `[1983-]道里区` is in force, `[-2004]太平区` is not.
_DATED = re.compile(r"\[(?P<since>[0-9]*)-(?P<until>[0-9]*)\](?P<name>.+)")


# The table's own slip: four districts of 大兴安岭 stand in traditional characters, and people read the simplified ones.
_SIMPLIFIED = str.maketrans("達區嶺", "达区岭")
_NO_PLACES = ("市辖区", "县", "省直辖县级行政区划")
IN_WORDS = "in_words"
"""The kind of a validation error whose message is ours: Chinese, and without what was sent."""


def _of_the_province(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise PydanticCustomError(IN_WORDS, "应是黑龙江省的六位行政区划代码，如 230102")
    return text


Region = Annotated[str, AfterValidator(_of_the_province)]
"""A region's code in a request: of the province by its form; `require_known` asks the table."""


@cache
def _table() -> Any:
    # Imported when it is first asked: the public query needs no region and must not wait for it.
    from stdnum import numdb

    return numdb.get("cn/loc")


@cache
def own_name(code: str) -> str:
    """The region's own name in force, empty for a code that names none."""
    if not _CODE.fullmatch(code):
        return ""
    found = _table().info(code)
    names = found[-1][1].get("county", "").translate(_SIMPLIFIED) if len(found) > 1 else ""
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


@cache
def in_force() -> tuple[str, ...]:
    """Every code that names a region in force, ascending; 市辖区 and the like, which name no place, are left out.

    >>> in_force()[0], "230102" in in_force(), "230101" in in_force()
    ('230000', True, False)
    """
    province = next(entry for entry in _table().prefixes if entry[1] == PROVINCE_DIGITS)
    codes = sorted(PROVINCE_DIGITS + low for _, low, _, _, _ in province[4])
    return tuple(code for code in codes if known(code) and own_name(code) not in _NO_PLACES)


def above(code: str) -> tuple[str, ...]:
    """The region and those it lies in, the province first.

    >>> above("230102"), above("230100"), above("230000")
    (('230000', '230100', '230102'), ('230000', '230100'), ('230000',))
    """
    return tuple(dict.fromkeys((f"{code[:2]}0000", f"{code[:4]}00", code)))


def require_known(code: str) -> None:
    """Refuse a code that names no region."""
    if not known(code):
        raise Refusal(
            f"{code} 不是黑龙江省现行的行政区划代码（GB/T 2260），请核对，例如哈尔滨市道里区是 230102。",
            "unknown_region",
        )
