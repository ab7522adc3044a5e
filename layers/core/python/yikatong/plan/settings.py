"""Our policy, one typed TOML file: everything the notice does not say (DESIGN §4). Never mixed into the plan's data."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from yikatong.errors import Refusal
from yikatong.plan.notice import read_text
from yikatong.plan.register import check_code

SETTINGS_PATH = Path(__file__).parent / "settings.toml"
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI")
# Columns of a roster a subsidy may ask for besides name, id, slot and amount: roster.columns.Column, whose words these are.
REQUIRABLE_COLUMNS = (
    "payee_name", "payee_id", "head_name", "head_id", "bank", "account", "township", "village", "village_group",
    "standard", "quantity", "telephone", "remark",
)  # fmt: skip
# A later payday would not exist in February, and that month would silently pay nobody.
LAST_PAYDAY = 28


@dataclass(frozen=True)
class SubsidySettings:
    """The policy for one subsidy. Amounts are integer fen; None means no limit."""

    code: str
    claim_group: str
    payday: int
    household: bool
    sensitive: bool
    account_allowed: bool
    approval_expiry_days: int
    amount_limit_fen: int | None = None
    second_approval_fen: int | None = None
    exclusive_with: tuple[str, ...] = ()
    """Codes of subsidies that a person should not have had for an overlapping period; `exclusive_level` says what of it."""
    exclusive_level: str = "review"
    required_columns: tuple[str, ...] = ()
    """Of REQUIRABLE_COLUMNS; a roster without one is refused, a row whose cell is blank is excluded."""
    amount_is_quantity_times_standard: bool = False

    @property
    def exclusive(self) -> bool:
        """Whether the subsidy shares its claims with another: one entitled unit and slot get one of them, not both."""
        return self.claim_group != self.code


@dataclass(frozen=True)
class ScheduleSettings:
    """When ticks fire: `hour` in Asia/Shanghai, `weekday` for the weekly ones."""

    hour: int
    weekday: str


# What a key takes: its type and, for integers, the least and the greatest value.
_KEYS: dict[str, tuple[type[int] | type[bool] | type[str] | type[list[str]], int, int]] = {
    "payday": (int, 1, LAST_PAYDAY),
    "household": (bool, 0, 1),
    "sensitive": (bool, 0, 1),
    "account_allowed": (bool, 0, 1),
    "approval_expiry_days": (int, 1, 366),
    "amount_limit_fen": (int, 1, 10**10),
    "second_approval_fen": (int, 1, 10**14),
    "claim_group": (str, 0, 0),
    "exclusive_with": (list, 0, 0),
    "exclusive_level": (str, 0, 0),
    "required_columns": (list, 0, 0),
    "amount_is_quantity_times_standard": (bool, 0, 1),
}
_OPTIONAL = {
    "amount_limit_fen", "second_approval_fen", "claim_group", "exclusive_with", "exclusive_level", "required_columns",
    "amount_is_quantity_times_standard",
}  # fmt: skip
EXCLUSIVE_LEVELS = ("review", "exclude")


@dataclass(frozen=True)
class Settings:
    """Defaults and what differs, by permanent code."""

    schedule: ScheduleSettings
    defaults: SubsidySettings
    by_code: Mapping[str, SubsidySettings]

    @classmethod
    def committed(cls) -> "Settings":
        return cls.load(SETTINGS_PATH)

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read a settings file; an unknown key, a missing default, a wrong type or a value out of bounds is refused."""
        try:
            data = tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise Refusal(f"设置文件 {path.name} 不是合法的 TOML：{error}", "bad_settings") from None
        _only(data, {"schedule", "defaults", "subsidy"}, "顶层")
        defaults = _table(data, "defaults")
        if missing := sorted(set(_KEYS) - _OPTIONAL - set(defaults)):
            raise Refusal(f"设置 [defaults] 缺少 {'、'.join(missing)}", "bad_settings")
        if not {"claim_group", "exclusive_with"}.isdisjoint(defaults):
            raise Refusal("设置 [defaults] 不能有 claim_group 或 exclusive_with：那会使所有项目互斥", "bad_settings")
        base = SubsidySettings(code="", claim_group="", **_checked(defaults, "defaults"))
        by_code: dict[str, SubsidySettings] = {}
        for code, table in _table(data, "subsidy").items():
            check_code(code)
            if not isinstance(table, dict):
                raise Refusal(f"设置 [subsidy.{code}] 应是一个表", "bad_settings")
            values = {"code": code, "claim_group": code} | _checked(table, f"subsidy.{code}")
            by_code[code] = replace(base, **values)
        _same_unit_in_a_group(by_code)
        _exclusive_both_ways(by_code)
        _ask_for_what_they_use([base, *by_code.values()])
        return cls(_schedule(_table(data, "schedule")), base, by_code)

    def for_subsidy(self, code: str | None) -> SubsidySettings:
        """The settings of a subsidy; the defaults where nothing differs, or where it has no code yet."""
        if code is None:
            return self.defaults
        return self.by_code.get(code) or replace(self.defaults, code=code, claim_group=code)

    def unknown_codes(self, known: frozenset[str]) -> list[str]:
        """Codes the file speaks of that no register holds: a mistyped code must not silently mean the defaults."""
        return sorted(set(self.by_code) - known)


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise Refusal(f"设置 [{name}] 应是一个表", "bad_settings")
    return table


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise Refusal(f"设置 {where} 有不认识的键：{'、'.join(unknown)}", "bad_settings")


def _checked(table: dict[str, Any], where: str) -> dict[str, Any]:
    _only(table, set(_KEYS), f"[{where}]")
    for key, value in table.items():
        kind, low, high = _KEYS[key]
        if type(value) is not kind:  # bool is an int to isinstance, and a payday of true is not a day
            raise Refusal(f"设置 [{where}] 的 {key} 应是{_kind_name(kind)}", "bad_settings")
        if type(value) is int and not low <= value <= high:
            raise Refusal(f"设置 [{where}] 的 {key} 应在 {low} 至 {high} 之间", "bad_settings")
        if key == "exclusive_level" and value not in EXCLUSIVE_LEVELS:
            raise Refusal(f"设置 [{where}] 的 {key} 应是 {' 或 '.join(EXCLUSIVE_LEVELS)}", "bad_settings")
        if key == "required_columns" and isinstance(value, list):
            if unknown := [repr(name) for name in value if name not in REQUIRABLE_COLUMNS]:
                raise Refusal(f"设置 [{where}] 的 {key} 有不认识的列：{'、'.join(unknown)}", "bad_settings")
            continue
        for code in [value] if type(value) is str else value if type(value) is list else []:
            if type(code) is not str:
                raise Refusal(f"设置 [{where}] 的 {key} 应是代码的列表", "bad_settings")
            check_code(code)
    return {key: tuple(value) if type(value) is list else value for key, value in table.items()}


def _kind_name(kind: type) -> str:
    return {int: "整数", bool: "true 或 false", str: "文字", list: "列表"}[kind]


def _same_unit_in_a_group(by_code: Mapping[str, SubsidySettings]) -> None:
    """Subsidies that exclude each other must claim by the same unit, or person and household never meet in one key."""
    for one in by_code.values():
        for other in by_code.values():
            if one.claim_group == other.claim_group and one.household != other.household:
                raise Refusal(f"设置里互斥的 {one.code} 与 {other.code} 的 household 必须相同", "bad_settings")


def _exclusive_both_ways(by_code: Mapping[str, SubsidySettings]) -> None:
    """An exclusion that works one way only would depend on whose roster comes first."""
    for one in by_code.values():
        for code in one.exclusive_with:
            other = by_code.get(code)
            if other is None or one.code not in other.exclusive_with:
                raise Refusal(f"设置里 {one.code} 与 {code} 的 exclusive_with 必须互相写明", "bad_settings")
            if one.claim_group == other.claim_group:
                raise Refusal(f"设置里 {one.code} 与 {code} 同一 claim_group，已经互斥", "bad_settings")


def _ask_for_what_they_use(policies: Sequence[SubsidySettings]) -> None:
    """What a subsidy pays by must stand in its rosters: a claim key or a product made of nothing would be somebody's money."""
    for policy in policies:
        used = ["head_id"] * policy.household + ["standard", "quantity"] * policy.amount_is_quantity_times_standard
        if missing := [name for name in used if name not in policy.required_columns]:
            what = "household" if "head_id" in missing else "amount_is_quantity_times_standard"
            raise Refusal(
                f"设置 {policy.code or '[defaults]'} 有 {what}，required_columns 必须包含 {'、'.join(missing)}",
                "bad_settings",
            )


def _schedule(table: Mapping[str, Any]) -> ScheduleSettings:
    _only(table, {field.name for field in fields(ScheduleSettings)}, "[schedule]")
    hour, weekday = table.get("hour"), table.get("weekday")
    if type(hour) is not int or not 0 <= hour <= 23:
        raise Refusal("设置 [schedule] 的 hour 应是 0 至 23 的整数", "bad_settings")
    if not isinstance(weekday, str) or not re.fullmatch("|".join(WEEKDAYS), weekday):
        raise Refusal(f"设置 [schedule] 的 weekday 应是 {'、'.join(WEEKDAYS)} 之一", "bad_settings")
    return ScheduleSettings(hour, weekday)
