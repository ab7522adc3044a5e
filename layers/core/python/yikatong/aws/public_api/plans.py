"""The plan: every subsidy, when each is paid, and the regions there are."""

from yikatong.aws.public_api.answers import (
    CalendarAnswer,
    CalendarRow,
    PaymentTime,
    PlanAnswer,
    PlannedSubsidy,
    RegionRow,
    RegionsAnswer,
)
from yikatong.aws.public_api.common import Year, new_router, plan_of, publicly
from yikatong.aws.wiring import wiring
from yikatong.plan import Subsidy, WorkingDays
from yikatong.plan.plain_words import pay_times
from yikatong.regions import in_force, name_of, own_name

router = new_router()


@router.get("/v1/plan", **publicly("发放工作计划", PlanAnswer, "一年的补贴项目"))
def get_plan(year: Year = None) -> PlanAnswer:
    plan = plan_of(year)
    rows = [PlannedSubsidy.model_validate(each.as_record() | {"code": each.code}) for each in plan.subsidies]
    return PlanAnswer(year=plan.year, subsidies=rows)


@router.get("/v1/calendar", **publicly("发放日历", CalendarAnswer, "全年发放日子"))
def get_calendar(year: Year = None) -> CalendarAnswer:
    plan, working_days = plan_of(year), WorkingDays.committed()
    return CalendarAnswer(
        year=plan.year,
        holidays_published=working_days.knows(plan.year),
        subsidies=[
            CalendarRow(
                number=each.number,
                code=str(each.code),
                name=each.name,
                lead_departments=list(each.lead_departments),
                frequency=each.frequency.value,
                payments=payments_of(each, working_days),
            )
            for each in plan.subsidies
        ],
    )


@router.get("/v1/regions", **publicly("地区", RegionsAnswer, "省、市（地区）、县"))
def get_regions() -> RegionsAnswer:
    return RegionsAnswer(
        regions=[
            RegionRow(
                code=code,
                name=own_name(code),
                full_name=name_of(code),
                level="province" if code.endswith("0000") else "city" if code.endswith("00") else "county",
            )
            for code in in_force()
        ]
    )


def payments_of(subsidy: Subsidy, working_days: WorkingDays) -> list[PaymentTime]:
    times = pay_times(subsidy, wiring().settings, working_days)
    return [
        PaymentTime.model_validate({"from": each.first, "to": each.last, "kind": each.kind, "words": each.words})
        for each in times
    ]
