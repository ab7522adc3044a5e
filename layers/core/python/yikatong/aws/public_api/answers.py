"""What the public API answers, as types: the description (docs/openapi.json) is generated from them.

Whatever is read from the site bucket goes through them as well: a key that is not named here does not leave.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(description="补贴项目的永久代码")]
Region = Annotated[str, Field(description="行政区划代码（GB/T 2260）")]
Fen = Annotated[int, Field(description="金额，单位为分")]
SlotText = Annotated[str, Field(description="发放属期：2023-06、2023Q2、2023H1、2023 或 2023#名称")]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Problem(Answer):
    """出了什么问题、怎么办（RFC 9457）。"""

    type: str = Field(description="问题的种类：urn:yikatong:problem:代码")
    title: str
    status: int
    detail: str = Field(description="给人看的话：哪里不对，怎样改")
    correlation_id: str = Field(description="本次请求的编号，报障时请附上")
    errors: list[dict[str, str]] | None = Field(default=None, description="逐项的错误：at 是位置，kind 是种类")


# --- the plan ---------------------------------------------------------------------------------------------------------


class Months(Answer):
    first: str
    last: str


class CrossPeriod(Answer):
    back: int
    forward: int
    unit: Literal["month", "quarter"]


class TrialWindow(Answer):
    required: bool
    from_: date | None = Field(alias="from")
    to: date | None


class FormalWindow(Answer):
    from_: date = Field(alias="from")
    to: date
    on_demand: bool = Field(description="没有固定日子，审定后发放")


class PlannedSubsidy(Answer):
    number: int = Field(description="计划中的序号")
    code: Code
    name: str
    lead_departments: list[str]
    frequency: str
    entitlement: Months = Field(description="发放属期")
    cross_period: CrossPeriod | None = Field(description="跨属期发放规则")
    trial: TrialWindow
    formal: FormalWindow


class PlanAnswer(Answer):
    year: int
    subsidies: list[PlannedSubsidy]


class PaymentTime(Answer):
    """一次发放的日子：kind 为 day 是一天，weekly 是每周一天，window 是一段时间内，ordered 是审定一批发一批。"""

    from_: date = Field(alias="from")
    to: date
    kind: Literal["day", "weekly", "window", "ordered"]
    words: str


class CalendarRow(Answer):
    number: int
    code: Code
    name: str
    lead_departments: list[str]
    frequency: str
    payments: list[PaymentTime]


class CalendarAnswer(Answer):
    year: int
    holidays_published: bool = Field(description="当年放假安排是否已公布；未公布时日子未避开节假日")
    subsidies: list[CalendarRow]


class RegionRow(Answer):
    code: Region
    name: str = Field(description="本级名称")
    full_name: str = Field(description="连同所属市（地区）的名称")
    level: Literal["province", "city", "county"]


class RegionsAnswer(Answer):
    regions: list[RegionRow]


# --- policies ---------------------------------------------------------------------------------------------------------


class PolicyVersion(Answer):
    """一份政策文件的一个版本。"""

    region: Region
    code: Code
    document: str = Field(description="文件的代号：同一文件的各版本相同")
    version: int
    title: str
    document_number: str = Field(description="文号，可能为空")
    issuer: str = Field(description="发文单位")
    valid_from: date
    valid_to: date | None = Field(description="空为长期有效")
    href: str = Field(description="在网站上的地址")
    media_type: str
    size_bytes: int
    sha256: str
    published_at: datetime


class ListedVersion(PolicyVersion):
    in_force: bool = Field(description="今天是否有效：被新版本取代的、未到日子的、已到期的都不是")


class PoliciesOfSubsidy(Answer):
    number: int
    code: Code
    name: str
    lead_departments: list[str]
    documents: list[ListedVersion]


class PoliciesAnswer(Answer):
    year: int
    region: Region
    as_of: date = Field(description="“今天”是哪一天")
    policies: list[PoliciesOfSubsidy]


class InForceAnswer(Answer):
    code: Code
    slot: SlotText
    region: Region
    documents: list[PolicyVersion] = Field(description="属期内有效过的版本：先省，后市、县")


class PolicyListEntry(Answer):
    number: int | None = Field(description="计划中的序号；本地自设的项目为空")
    code: str | None
    name: str
    department: str
    beneficiaries: str = Field(description="补贴对象")
    standard: str = Field(description="补贴标准")
    basis: str = Field(description="政策依据")
    procedure: str = Field(description="申请流程")
    telephone: str = Field(description="咨询电话")
    remark: str


class MissingDepartment(Answer):
    department: str
    subsidies: list[int]


class PolicyListAnswer(Answer):
    year: int
    region: Region
    collected_at: datetime
    entries: list[PolicyListEntry]
    missing: list[MissingDepartment] = Field(description="尚未填报的部门和项目序号")


class CardAnswer(Answer):
    """一项补贴的明白卡。谁能领、领多少等出自主管部门填报的政策清单，为空即尚未填报。"""

    year: int
    number: int
    code: Code
    name: str
    lead_departments: list[str]
    frequency: str
    who: str | None = Field(description="谁能领")
    how_much: str | None = Field(description="领多少")
    basis: str | None
    procedure: str | None
    telephone: str | None
    filled_in_by: Region | None = Field(description="以上出自哪一级的清单；空为主管部门尚未填报")
    how_often: str = Field(description="多久发一次")
    months_paid_for: str = Field(description="发的是哪几个月的")
    when_paid: str = Field(description="什么时候发")
    when_missed: str | None = Field(description="漏发的怎么办")
    payments: list[PaymentTime] = Field(description="全年的发放日子")
    documents: list[PolicyVersion] = Field(description="今天有效的政策文件")


# --- disclosure -------------------------------------------------------------------------------------------------------

CellKind = Literal["list", "aggregate"]


class CellRow(Answer):
    code: Code
    subsidy: str
    slot: SlotText
    region: Region
    region_name: str
    kind: CellKind = Field(description="list 为名单，aggregate 只有合计")
    people: int
    amount_fen: Fen
    href: str = Field(description="这张公示表在本接口的地址")


class DisclosedSubsidy(Answer):
    code: Code
    subsidy: str
    kind: CellKind
    slots: list[SlotText]
    cells: int = Field(description="全省有几张公示表")


class DisclosureAnswer(Answer):
    plan_year: int
    as_of: date | None = Field(description="截至哪一天；空为当年还没有公示")
    subsidies: list[DisclosedSubsidy] = Field(description="有公示的项目")
    cells: list[CellRow] = Field(description="问到一个项目时，它在这个地区及以下各级的公示表")


class PaidPerson(Answer):
    name: str = Field(description="已遮名，如 张*")
    amount_fen: Fen
    paid_on: date


class CellAnswer(Answer):
    code: Code
    subsidy: str
    plan_year: int
    slot: SlotText
    region: Region
    region_name: str
    kind: CellKind
    merged: list[Region] = Field(description="人数过少、并入此表的地区")
    people: int
    amount_fen: Fen
    as_of: date
    rows: list[PaidPerson] = Field(default=[], description="这一部分的名单；aggregate 没有")
    part: int
    parts: int = Field(description="名单分几部分，每部分至多两千人")


# --- one's own records ------------------------------------------------------------------------------------------------


class RecordRow(Answer):
    subsidy: str
    code: Code
    plan_year: int
    slot: SlotText
    amount_fen: Fen
    state: Literal["SETTLED", "REJECTED", "RETURNED", "REISSUED", "FROZEN"]
    status: str = Field(description="结果，给人看的话")
    paid_on: str = Field(description="到账日期，没有到账为空")
    channel: Literal["card", "account"]
    account_tail: str = Field(description="卡号或账号的后四位")
    region: Region
    role: Literal["beneficiary", "payee"] = Field(description="本人享受，或本人代收")
    policy: str = Field(description="该属期有效的政策文件在本接口的地址")
    card_advice: str | None = Field(default=None, description="要去办什么；空为无需办理")


class YearTotal(Answer):
    year: int = Field(description="到账的年份")
    amount_fen: Fen = Field(description="本人享受的补贴")
    count: int = Field(description="本人享受的笔数")
    collected_fen: Fen = Field(description="替别人代收的补贴，不在本人享受的里面")
    collected_count: int = Field(description="替别人代收的笔数")


class QueryAnswer(Answer):
    records: list[RecordRow]
    totals: list[YearTotal] = Field(description="每年到账合计，只算已发放的")
    correlation_id: str


class ChallengeAnswer(Answer):
    challenge: str = Field(description="与答案一起随查询送回")
    question: str = Field(description="请人回答的问题，可以朗读")
