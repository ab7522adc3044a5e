"""Which bank pays for whom: the committed file holds, and a mistake in it is named."""

from importlib.resources import files

import pytest

from yikatong.bank.settings import committed_banks, read_banks
from yikatong.errors import Refusal

TEXT = files("yikatong.bank").joinpath("banks.toml").read_text(encoding="utf-8")
SECOND = """
[[banks]]
bank_id = "harbin-bank"
name = "哈尔滨银行"
clearing_code = "313261000018"
max_lines = 500
deduplicates = true
message_deadline_s = 600
answer_final_after_days = 0

[[treasuries]]
region = "2301"
bank_id = "harbin-bank"
name = "哈尔滨市财政专户"
account = "1"

[[treasuries]]
region = "230102"
bank_id = "agent-bank"
name = "道里区财政专户"
account = "2"
"""


def test_the_committed_bank_serves_every_region_and_promises_no_deduplication() -> None:
    bank = committed_banks().serving("230102")
    assert (bank.bank_id, bank.max_lines, bank.deduplicates) == ("agent-bank", 5000, False)
    assert committed_banks().debtor("231281").agent_clearing_code == bank.clearing_code


def test_the_longest_prefix_of_a_region_decides_bank_and_account() -> None:
    banks = read_banks(TEXT + SECOND)
    assert [banks.serving(region).bank_id for region in ("230103", "230102", "230200")] == [
        "harbin-bank",
        "agent-bank",
        "agent-bank",
    ]
    assert [banks.debtor(region).account for region in ("230103", "230102")] == ["1", "2"]


def test_a_region_no_bank_serves_is_refused_by_name() -> None:
    with pytest.raises(Refusal, match="110000 没有代理银行"):
        read_banks(TEXT.replace('region = ""', 'region = "23"')).serving("110000")
    with pytest.raises(Refusal, match="未登记"):
        committed_banks().bank("nobody")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_lines", "max_line", "不认识的键：max_line"),
        ("deduplicates = false", "", "缺少键：deduplicates"),
        ("max_lines = 5000", "max_lines = true", "max_lines 应为 int"),
        ("max_lines = 5000", "max_lines = 0", "max_lines 应在"),
        ("deduplicates = false", 'deduplicates = "no"', "deduplicates 应为 bool"),
        ('clearing_code = "102261000012"', 'clearing_code = "1"', "12位支付行号"),
        ('bank_id = "agent-bank"\nname = "惠', 'bank_id = "other"\nname = "惠', "未登记的银行：other"),
        ('region = ""', 'region = "2x"', "region"),
        ("[[banks]]", "[banks]", "banks"),
        ("[[treasuries]]", "[[regions]]", "treasuries"),
        ("[[banks]]", "[[banks", "TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(Refusal, match=said) as refused:
        read_banks(TEXT.replace(old, new, 1))
    assert refused.value.code == "settings_invalid"


def test_a_region_or_bank_given_twice_is_refused() -> None:
    with pytest.raises(Refusal, match="重复"):
        read_banks(TEXT + TEXT)
