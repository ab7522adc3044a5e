"""The register of permanent codes (DESIGN §1): plan year and 序号 → code, matched by name or by an explicit answer.

序号 changes with every year's plan; claims, payment ids and records must not. A code, once given, is never changed or
reused for another subsidy. A subsidy that was renamed is registered under its old code by an explicit answer: that row
is the alias.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yikatong.errors import Refusal
from yikatong.plan.notice import read_text

REGISTER_PATH = Path(__file__).parent / "register.csv"
COLUMNS = ("plan_year", "number", "code", "name")
MAX_CODE_LENGTH = 24  # the code is part of payment ids, whose length the banks bound


@dataclass(frozen=True)
class Entry:
    """One row: in this plan year this 序号, under this name, is the subsidy with this code."""

    plan_year: int
    number: int
    code: str
    name: str


def check_code(code: str) -> str:
    """A code is lower-case words and digits joined by hyphens, at most 24 characters; anything else is refused."""
    if len(code) > MAX_CODE_LENGTH or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", code):
        shape = f"用小写英文字母、数字和连字符，以字母开头，最多{MAX_CODE_LENGTH}个字符"
        raise Refusal(f"永久代码“{code}”不合规：{shape}", "bad_code")
    return code


@dataclass(frozen=True)
class Register:
    """All entries, in plan order."""

    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        rows: set[tuple[int, int]] = set()
        codes: set[tuple[int, str]] = set()
        for entry in self.entries:
            check_code(entry.code)
            if (entry.plan_year, entry.number) in rows:
                raise Refusal(f"登记簿里{entry.plan_year}年第{entry.number}项重复", "bad_register")
            if (entry.plan_year, entry.code) in codes:
                raise Refusal(f"登记簿里{entry.plan_year}年的代码“{entry.code}”重复", "bad_register")
            rows.add((entry.plan_year, entry.number))
            codes.add((entry.plan_year, entry.code))

    @classmethod
    def committed(cls) -> "Register":
        return cls.load(REGISTER_PATH)

    @classmethod
    def load(cls, path: Path) -> "Register":
        """Read a register CSV; its columns are plan_year, number, code, name."""
        reader = csv.reader(io.StringIO(read_text(path)), strict=True)
        header, *rows = [tuple(row) for row in reader if row] or [()]
        if header != COLUMNS:
            raise Refusal(f"登记簿 {path} 的表头应为 {','.join(COLUMNS)}", "bad_register")
        entries: list[Entry] = []
        for row in rows:
            if len(row) != 4 or not re.fullmatch(r"[0-9]{4}", row[0]) or not re.fullmatch(r"[1-9][0-9]{0,3}", row[1]):
                raise Refusal(f"登记簿 {path} 有一行读不懂：{','.join(row)}", "bad_register")
            entries.append(Entry(int(row[0]), int(row[1]), row[2], row[3]))
        return cls(tuple(entries))

    def to_csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for entry in sorted(self.entries, key=lambda entry: (entry.plan_year, entry.number)):
            writer.writerow([entry.plan_year, entry.number, entry.code, entry.name])
        return out.getvalue()

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(entry.code for entry in self.entries)

    def entry(self, plan_year: int, number: int) -> Entry | None:
        return next((e for e in self.entries if (e.plan_year, e.number) == (plan_year, number)), None)

    def code_by_name(self, name: str) -> str | None:
        """The one code a name was ever registered under; None when there is none, or more than one."""
        codes = {entry.code for entry in self.entries if entry.name == name}
        return codes.pop() if len(codes) == 1 else None

    def code_of(self, plan_year: int, number: int, name: str) -> str | None:
        """The code of a plan's row: as registered, else the one its name is known by, else None."""
        entry = self.entry(plan_year, number)
        return entry.code if entry is not None and entry.name == name else self.code_by_name(name)

    def with_plan(self, year: int, names: Mapping[int, str], answers: Mapping[int, str]) -> "Register":
        """This register with every row of a year's plan in it; `names` maps each 序号 to the subsidy's name.

        `answers` maps a 序号 to `CODE` (the subsidy is that known one, renamed) or `new:CODE` (a new subsidy). An
        answer wins over the name. Refused, all faults at once: a row neither known by name nor answered; a registered
        row whose name or code would change; an unknown or already used code; a code twice in the year.
        """
        faults: list[str] = []
        added: list[Entry] = []
        faults += [f"{year}年的计划没有第{number}项" for number in answers if number not in names]
        for number, name in names.items():
            try:
                code = self._decide(year, number, name, answers.get(number))
            except Refusal as refusal:
                faults.append(refusal.message)
                continue
            if self.entry(year, number) is None:
                added.append(Entry(year, number, code, name))
        if faults:
            raise Refusal("\n".join(faults), "unregistered")
        for entry in added:
            if len([other for other in added if other.code == entry.code]) > 1:
                faults.append(f"{year}年第{entry.number}项“{entry.name}”：代码“{entry.code}”在同一年用了两次")
        if faults:
            raise Refusal("\n".join(faults), "unregistered")
        return Register((*self.entries, *added))

    def _decide(self, year: int, number: int, name: str, answer: str | None) -> str:
        where = f"{year}年第{number}项“{name}”"
        known = self.entry(year, number)
        if known is not None:
            if known.name != name:
                raise Refusal(f"{where}：登记簿里这一项是“{known.name}”（{known.code}），代码是永久的，请核对计划文件")
            if answer is not None and answer.removeprefix("new:") != known.code:
                raise Refusal(f"{where}：已登记为“{known.code}”，代码是永久的，不能更改")
            return known.code
        if answer is None:
            by_name = self.code_by_name(name)
            if by_name is None:
                cure = f"--assign {number}=代码（改名）或 --assign {number}=new:代码（新项目）"
                raise Refusal(f"{where}：名称不在登记簿里，请用 {cure} 答复")
            return by_name
        code = check_code(answer.removeprefix("new:"))
        if answer.startswith("new:") and code in self.codes:
            raise Refusal(f"{where}：代码“{code}”已被占用，新项目请另取代码")
        if not answer.startswith("new:") and code not in self.codes:
            raise Refusal(f"{where}：登记簿里没有代码“{code}”，新项目请写 new:{code}")
        return code
