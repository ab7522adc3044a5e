"""What a roster's file name says of its region: the only place, beside the object key, where a roster names one.

An id number's region is where somebody's first number was issued, never where they are paid. Codes in a name are not
read: 230602 is a county and the second of June alike. So it is names, and never more than a remark.
"""

from functools import cache

from yikatong import regions
from yikatong.batches import scope_prefix
from yikatong.roster.findings import Finding, file_finding

# 郊区 is a district's name and a common word.
_SHORTEST_NAME = 3


def region_findings(file_name: str, region: str) -> list[Finding]:
    """`region_named` where the file is named after a region that neither holds the bureau's nor lies in it.

    >>> [finding.message[:37] for finding in region_findings("南岗区6月低保.csv", "230102")]
    ['文件名写的地区与报送的地区不同：文件名有“南岗区”，报送的是哈尔滨市道里区']
    """
    found = {name: codes for name, codes in _codes_by_name().items() if name in file_name}
    strange = [name for name, codes in found.items() if not any(_related(code, region) for code in codes)]
    return [file_finding("region_named", named=name, region=regions.name_of(region)) for name in strange[:1]]


def _related(one: str, other: str) -> bool:
    return one.startswith(scope_prefix(other)) or other.startswith(scope_prefix(one))


@cache
def _codes_by_name() -> dict[str, list[str]]:
    """The codes of every name in force; several districts share one."""
    names: dict[str, list[str]] = {}
    for number in range(10_000):
        code = f"{regions.PROVINCE_DIGITS}{number:04d}"
        name = regions.own_name(code)
        if len(name) >= _SHORTEST_NAME:
            names.setdefault(name, []).append(code)
    return names
