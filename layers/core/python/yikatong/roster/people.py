"""Invented people with ids that check, to try rosters with. No real person is meant; regions are Heilongjiang's own."""

import random
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from stdnum import numdb

from yikatong.cards import CHINESE_STATES, CardState
from yikatong.errors import Refusal
from yikatong.identity import check_digit

PROVINCE = "23"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_COMPOUND = ("欧阳", "上官", "司徒", "诸葛")
_GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华玉凤春梅建国志文海燕红波宇婷雪晨浩然思雨佳欣子涵"
# Characters outside GBK that real names hold; files that cannot carry them lose people.
RARE = "㛃䶮𬎆𣲘"
_MINORITY = ("乌云·其其格", "孟·额尔登", "阿荣·高娃", "敖登·图雅", "何·乌尔娜")
_BANKS = ("哈尔滨银行", "龙江银行", "黑龙江农村信用社", "中国邮政储蓄银行", "中国建设银行")
# A doubled digit counts by the sum of its digits (ISO/IEC 7812-1, annex B).
_DOUBLED = str.maketrans("0123456789", "0246813579")
_STATES = {value: text for text, value in reversed(CHINESE_STATES.items())}


@dataclass(frozen=True)
class Person:
    """Somebody invented, with a card as the registry would know it."""

    name: str
    id_number: str
    account: str
    service_bank: str
    card_state: CardState = CardState.NORMAL
    social_account: bool = True
    financial_account: bool = True

    def card_cells(self) -> list[str]:
        """The person's line in a card registry snapshot, in the order of cards.TITLES."""
        has_card = self.card_state is not CardState.NONE
        return [
            self.name,
            self.id_number,
            self.account if has_card else "",
            self.service_bank if has_card else "",
            _STATES[self.card_state],
            "启用" if self.social_account else "未启用",
            "已激活" if self.financial_account else "未激活",
        ]

    def with_card(self, state: CardState, *, social: bool = True, financial: bool = True) -> "Person":
        return replace(self, card_state=state, social_account=social, financial_account=financial)


@cache
def region_codes() -> tuple[str, ...]:
    """Heilongjiang's county-level codes in force today, from python-stdnum's table."""
    codes = []
    for number in range(10_000):
        code = f"{PROVINCE}{number:04d}"
        found = numdb.get("cn/loc").info(code)
        county = found[1][1].get("county", "") if len(found) > 1 else ""
        in_force = any(not part.startswith("[") or part.split("]")[0].endswith("-") for part in county.split(","))
        if county and in_force and number % 100 and not county.endswith("市辖区"):
            codes.append(code)
    return tuple(codes)


def invent_people(
    count: int, *, region: str, seed: int, on: date, youngest: int = 18, eldest: int = 95
) -> list[Person]:
    """So many different people, the same for a seed, most born in `region` (six digits; a city means its counties).

    Ages on `on` lie between `youngest` and `eldest` years. A region outside Heilongjiang is refused.
    """
    homes = _homes(region)
    chance = random.Random(f"people {region} {seed}")
    oldest = on.toordinal() - eldest * 365
    span = (eldest - youngest) * 365
    ids: set[str] = set()
    accounts: set[str] = set()
    people: list[Person] = []
    while len(people) < count:
        home = chance.choice(region_codes() if chance.random() < 0.1 else homes)
        birth = date.fromordinal(oldest + chance.randrange(span)).isoformat().replace("-", "")
        first_17 = f"{home}{birth}{chance.randrange(1, 1000):03d}"
        stem = f"62310{chance.randrange(10**13):013d}"
        account = stem + luhn_check_digit(stem)
        if first_17 in ids or account in accounts:
            continue
        ids.add(first_17)
        accounts.add(account)
        people.append(Person(_name(chance), first_17 + check_digit(first_17), account, chance.choice(_BANKS)))
    return people


def luhn_check_digit(digits: str) -> str:
    """The check digit of a card number, as `stdnum.luhn` says it, six times as fast: a benchmark invents a million.

    >>> luhn_check_digit("7894")
    '9'
    """
    doubled, plain = digits[::-2].translate(_DOUBLED), digits[-2::-2]
    return str((ord("0") * len(digits) - sum(doubled.encode()) - sum(plain.encode())) % 10)


def _homes(region: str) -> tuple[str, ...]:
    """The counties of a region: itself, a city's (…00), or the province's (…0000)."""
    prefix = region.removesuffix("00").removesuffix("00")
    homes = tuple(code for code in region_codes() if code.startswith(prefix))
    if not homes or len(region) != len(f"{PROVINCE}0000"):
        raise Refusal(f"{region} 不是黑龙江省的行政区划代码", "bad_region")
    return homes


def _name(chance: random.Random) -> str:
    draw = chance.random()
    if draw < 0.005:
        return chance.choice(_MINORITY)
    surname = chance.choice(_COMPOUND) if draw < 0.015 else chance.choice(_SURNAMES)
    given = "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))
    return surname + (chance.choice(RARE) + given[1:] if draw > 0.98 else given)
