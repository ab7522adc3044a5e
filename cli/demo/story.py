"""The story of the demo: which subsidies, people, faults and days show the plan's rules."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cli.demo.office import DEPARTMENT, OPERATOR, Office
from yikatong.cards import CardState
from yikatong.errors import Refusal
from yikatong.plan import PlanBook, Settings
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import Sample, make_sample

YEAR = 2023
REGIONS = {"230102": "harbin", "230202": "qiqihar"}
"""哈尔滨市道里区 and 齐齐哈尔市龙沙区: two regions of two cities, each with its own clerk and approver."""
OCCASION = "2023#FLOOD-08"
SHARED = 20
"""People whom both regions put on the roster of the same subsidy and slot: each is paid once."""


@dataclass
class Story:
    """What was prepared, and what happened so far."""

    office: Office
    book: PlanBook
    settings: Settings
    samples: dict[tuple[int, str], Sample] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    returned: str = ""
    silent: str = ""
    asker: Person | None = None

    def sample(self, number: int, rows: int, slots: list[str], faults_share: float, include: list[Person]) -> None:
        subsidy = self.book.subsidy(YEAR, number)
        for region in REGIONS:
            self.samples[number, region] = make_sample(
                subsidy=subsidy,
                settings=self.settings.for_subsidy(subsidy.code),
                region=region,
                rows=rows,
                slots=slots,
                seed=number,
                faults_share=faults_share,
                include=include,
            )

    def send(self, number: int, mode: str, name: str) -> None:
        for region, city in REGIONS.items():
            data = self.samples[number, region].roster_csv()
            self.office.send(city, number, region, f"{name}.csv", data, mode)
        self.office.cloud.settle(timeout_s=120)
        self.office.approve_waiting(REGIONS)


Step = tuple[str, Callable[[Story], None]]


def steps() -> Iterator[Step]:
    """What happens, in order: the words shown, and the deed."""
    yield "1月8日　导入社会保障卡信息，准备两个区的名册（虚构人员）", _prepare
    yield "1月8日　#17 模拟测试名册：上传、校验、审批", lambda story: story.send(17, "trial", "困难残疾人-模拟测试")
    yield "1月9日　#17 按计划在 1 月模拟测试（8日是周日，当天不发放）", lambda story: _play(story, date(YEAR, 1, 9))
    yield "6月8日　#2、#17 正式名册：上传、校验、审批", _june
    yield "6月9日至12日　10日是周六，两项都顺延到周一（12日）发放", lambda story: _play(story, date(YEAR, 6, 12))
    yield "6月14日　#11 临时救助：登记事项，审批后立即发放", _occasion
    yield "6月20日　#39 模拟测试名册；银行退回一笔已入账的款项", _corn_trial
    yield "6月21日　#39 按计划在 6 月下旬模拟测试", lambda story: _play(story, date(YEAR, 6, 21))
    yield "6月21日　#39 正式名册已审批，但 6 月不能正式发放：下达指令被拒绝", _corn_too_early
    yield "8月1日　#39 到了正式发放时间，自动发放", _corn_formal


def _prepare(story: Story) -> None:
    shared = invent_people(SHARED, region="230103", seed=99, on=date(YEAR, 1, 1))
    story.sample(2, 500, ["2023-06", "2023-05", "2023-02"], 0.06, shared)
    story.sample(17, 180, ["2023-06"], 0.05, [])
    story.sample(39, 200, ["2023"], 0.05, [])
    story.sample(11, 80, [OCCASION], 0.0, [])
    story.office.drop_cards(list(story.samples.values()))
    # People without any planted fault: what the bank does with them is the only thing that happens to them.
    plain = [person for person in story.samples[2, "230102"].people if _is_plain(person) and person not in shared]
    rejected, returned, silent, asker = plain[50:55], plain[55], plain[56], plain[57]
    story.asker, story.returned, story.silent = asker, returned.account, silent.account
    story.rejected = [person.account for person in rejected]
    outcomes: dict[str, dict[str, Any]] = {account: {"outcome": "reject", "code": "AC04"} for account in story.rejected}
    outcomes[story.returned] = {"outcome": "return", "code": "AC06", "days": 5}
    outcomes[story.silent] = {"outcome": "silence", "credited": True}
    story.office.cloud.bank.call("POST", "/script", {"accounts": outcomes})


def _is_plain(person: Person) -> bool:
    return person.card_state is CardState.NORMAL and person.social_account and person.financial_account


def _play(story: Story, day: date) -> None:
    """Let the clock play every schedule up to that day, and wait until all is done."""
    story.office.cloud.clock.advance(day)
    story.office.cloud.settle(timeout_s=120)


def _june(story: Story) -> None:
    story.office.cloud.clock.jump(date(YEAR, 6, 8))
    story.send(2, "formal", "城市低保6月")
    story.send(17, "formal", "困难残疾人6月")


def _occasion(story: Story) -> None:
    story.office.cloud.clock.jump(date(YEAR, 6, 14))
    occasion = {
        "plan_year": YEAR,
        "number": 11,
        "name": OCCASION.split("#")[1],
        "title": "洪涝临时救助",
        "region": "230000",
        "first": "2023-06-01",
        "last": "2023-12-31",
    }
    story.office.call(DEPARTMENT, "POST", "/v1/occasions", occasion)
    story.send(11, "formal", "临时救助")


def _corn_trial(story: Story) -> None:
    story.office.cloud.clock.jump(date(YEAR, 6, 20))
    story.office.cloud.settle(timeout_s=60)
    story.send(39, "trial", "玉米生产者-模拟测试")


def _corn_too_early(story: Story) -> None:
    story.send(39, "formal", "玉米生产者")
    try:
        story.office.call(OPERATOR, "POST", "/v1/runs", {"plan_year": YEAR, "number": 39, "mode": "formal"})
    except Refusal as refusal:
        story.refusals.append(refusal.message)


def _corn_formal(story: Story) -> None:
    story.office.cloud.clock.jump(date(YEAR, 7, 31))
    _play(story, date(YEAR, 8, 1))
