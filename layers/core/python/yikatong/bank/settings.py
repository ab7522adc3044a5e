"""Which bank pays for which region, and what each bank can do: `banks.toml`, typed.

The committed file is our policy (DESIGN §4). Addresses and tokens are not here: they belong to a deployment.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, TypeVar

from yikatong.bank.debtor import MAX_MESSAGE_LINES, Debtor
from yikatong.errors import Refusal

_BANK_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")
_REGION: Final = re.compile(r"[0-9]{0,6}")
_CLEARING_CODE: Final = re.compile(r"[0-9]{12}")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9-]{1,34}")

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class BankSettings:
    """One agent bank.

    `max_lines` a message. `deduplicates`: the bank pays one message id once; only then may a message be resent
    (PROTOCOL B2). `message_deadline_s`: when nothing sent earlier can still be under way (B3).
    `answer_final_after_days`: a rejection learnt by enquiry is final this many days after the requested date (B5).
    """

    bank_id: str
    name: str
    clearing_code: str
    max_lines: int
    deduplicates: bool
    message_deadline_s: int
    answer_final_after_days: int

    def __post_init__(self) -> None:
        _demand(bool(_BANK_ID.fullmatch(self.bank_id)), f"bank_id “{self.bank_id}”应为小写字母、数字和连字符，最多20个")
        _demand(0 < len(self.name) <= 70, f"{self.bank_id} 的 name 应为1至70字")
        _demand(bool(_CLEARING_CODE.fullmatch(self.clearing_code)), f"{self.bank_id} 的 clearing_code 应为12位支付行号")
        _demand(0 < self.max_lines <= MAX_MESSAGE_LINES, f"{self.bank_id} 的 max_lines 应在1至{MAX_MESSAGE_LINES}之间")
        _demand(0 < self.message_deadline_s <= 86_400, f"{self.bank_id} 的 message_deadline_s 应在1至86400秒之间")
        _demand(0 <= self.answer_final_after_days <= 30, f"{self.bank_id} 的 answer_final_after_days 应在0至30天之间")


@dataclass(frozen=True, slots=True)
class Treasury:
    """The account a region's subsidies are paid from. `region`: a prefix of GB/T 2260 codes, empty for all the rest."""

    region: str
    bank_id: str
    name: str
    account: str

    def __post_init__(self) -> None:
        _demand(bool(_REGION.fullmatch(self.region)), f"treasuries 的 region “{self.region}”应为至多6位数字")
        _demand(0 < len(self.name) <= 70, "treasuries 的 name 应为1至70字")
        _demand(bool(_ACCOUNT.fullmatch(self.account)), "treasuries 的 account 应为1至34位字母、数字")


@dataclass(frozen=True)
class Banks:
    """Every agent bank and treasury account of one deployment."""

    banks: tuple[BankSettings, ...]
    treasuries: tuple[Treasury, ...]

    def __post_init__(self) -> None:
        _demand(len(self._by_id) == len(self.banks) > 0, "banks 为空，或 bank_id 重复")
        _demand(
            len({treasury.region for treasury in self.treasuries}) == len(self.treasuries), "treasuries 的 region 重复"
        )
        unknown = {treasury.bank_id for treasury in self.treasuries} - self._by_id.keys()
        _demand(not unknown, f"treasuries 指向未登记的银行：{'、'.join(sorted(unknown))}")

    @cached_property
    def _by_id(self) -> dict[str, BankSettings]:
        return {bank.bank_id: bank for bank in self.banks}

    def bank(self, bank_id: str) -> BankSettings:
        """The bank of that id. Raises `Refusal` (code `bank_unknown`)."""
        found = self._by_id.get(bank_id)
        if found is None:
            raise Refusal(f"代理银行“{bank_id}”未登记", "bank_unknown")
        return found

    def serving(self, region: str) -> BankSettings:
        """The bank that pays for `region` (GB/T 2260). Raises `Refusal` (code `bank_unknown`) if none does."""
        return self.bank(self._treasury(region).bank_id)

    def debtor(self, region: str) -> Debtor:
        """Who pays for `region`, as a payment message names it. Raises `Refusal` as `serving`."""
        treasury = self._treasury(region)
        bank = self.bank(treasury.bank_id)
        return Debtor(treasury.name, treasury.account, bank.name, bank.clearing_code)

    def _treasury(self, region: str) -> Treasury:
        candidates = [treasury for treasury in self.treasuries if region.startswith(treasury.region)]
        if not candidates:
            raise Refusal(f"地区 {region} 没有代理银行", "bank_unknown")
        return max(candidates, key=lambda treasury: len(treasury.region))


def read_banks(text: str) -> Banks:
    """Read a banks file. Raises `Refusal` (code `settings_invalid`): not TOML, an unknown, missing or ill-typed key."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refusal(f"代理银行设置不是合规的 TOML：{error}", "settings_invalid") from None
    _demand(tables.keys() == {"banks", "treasuries"}, "应有且仅有 banks 和 treasuries 两张表")
    return Banks(
        _entries("banks", BankSettings, tables["banks"]), _entries("treasuries", Treasury, tables["treasuries"])
    )


def committed_banks() -> Banks:
    """The banks of the committed `banks.toml`."""
    return read_banks(files(__package__).joinpath("banks.toml").read_text(encoding="utf-8"))


def _entries(table: str, entry_type: Callable[..., _Entry], entries: object) -> tuple[_Entry, ...]:
    _demand(isinstance(entries, list), f"{table} 应写作 [[{table}]]")
    assert isinstance(entries, list)
    return tuple(_entry(table, entry_type, entry) for entry in entries)


def _entry(table: str, entry_type: Callable[..., _Entry], entry: Mapping[str, Any]) -> _Entry:
    types: dict[str, Any] = {field.name: field.type for field in fields(entry_type)}  # type: ignore[arg-type]
    for word, keys in (("不认识的", entry.keys() - types.keys()), ("缺少", types.keys() - entry.keys())):
        _demand(not keys, f"{table} 有{word}键：{'、'.join(sorted(keys))}")
    for key, value in entry.items():
        # `type() is`, not isinstance: in Python true is an integer, in a settings file it is a mistake.
        _demand(type(value) is types[key], f"{table} 的 {key} 应为 {types[key].__name__}")
    return entry_type(**entry)


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Refusal(f"代理银行设置有误：{what}", "settings_invalid")
