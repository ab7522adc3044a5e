"""The report for a terminal: the verdict, the sums, what to do next, and each kind of problem once with where it stands."""

from collections.abc import Iterator, Sequence

from yikatong.money import in_yuan
from yikatong.roster.advice import CHINESE_STATUSES, next_steps, verdict
from yikatong.roster.findings import CODES, Finding
from yikatong.roster.hits import STATUSES
from yikatong.roster.validation import Validation

# Of one kind of problem; a page of the same tells a clerk nothing more.
MAX_PLACES = 6
_COUNT_WIDTH, _SUM_WIDTH = 9, 18


def to_text(validation: Validation) -> str:
    """The whole of it, in lines made for 80 to 120 places; says how to see what it leaves out."""
    lines = [f"结论：{verdict(validation)}"]
    if validation.slots:
        lines.append(f"属期：{'、'.join(validation.slots)}")
    if validation.rows:
        lines += ["", *_sums(validation)]
    lines += ["", *(f"接下来 {index}：{step}" for index, step in enumerate(next_steps(validation), start=1))]
    kinds: dict[str, list[Finding]] = {}
    for finding in validation.findings:
        kinds.setdefault(finding.code, []).append(finding)
    shortened = False
    for code in sorted(kinds, key=CODES.index):
        found, more = kinds[code], validation.more.get(code, 0)
        lines += ["", *_kind(found, more)]
        shortened |= len(found) + more > MAX_PLACES
    if shortened:
        lines += ["", "没有列全。全部见工作簿：--format xlsx --out 报告.xlsx，或 --format json。"]
    return "\n".join(lines)


def _sums(validation: Validation) -> Iterator[str]:
    for status in STATUSES:
        tally = validation.tallies[status]
        # A Chinese character takes two places.
        words = CHINESE_STATUSES[status] + "　" * (3 - len(CHINESE_STATUSES[status]))
        yield f"  {words}{tally.rows:>{_COUNT_WIDTH},} 行{in_yuan(tally.fen):>{_SUM_WIDTH}} 元"


def _kind(found: Sequence[Finding], more: int) -> Iterator[str]:
    """One kind of problem: what is wrong and what to do, said once where it is the same for every row, then the places."""
    first, count = found[0], len(found) + more
    alike = all(finding.message == first.message for finding in found)
    times = f"（{count} 处）" if count > 1 else ""
    yield f"【{first.level.chinese}】{first.message if alike else ''}{times} [{first.code}]"
    for finding in found[:MAX_PLACES]:
        said = "" if alike else finding.message
        if place := _place(finding):
            yield f"    {place}{'：' if said else ''}{said}"
        elif said:
            yield f"    {said}"
    if count > MAX_PLACES:
        yield f"    ……还有 {count - MAX_PLACES} 处"


def _place(finding: Finding) -> str:
    row = f"第{finding.row}行" if finding.row is not None else ""
    column = f"“{finding.column}”" if finding.column and finding.row is not None else ""
    return row + column + (f"　{finding.found_masked}" if finding.found_masked else "")
