"""The plan is data: the notice's table as types, and every rule read off it (DESIGN §4). No clock, no AWS."""

from yikatong.plan.book import Plan, PlanBook
from yikatong.plan.cron import validate_expression
from yikatong.plan.model import CrossPeriodRule, Entitlement, Formal, Frequency, Mode, Subsidy, Trial
from yikatong.plan.payable import (
    NotPayable,
    PayableSlot,
    SlotVerdict,
    day_refusal,
    is_formal_day,
    is_late_trial,
    judge_slot,
    judging_date,
    payable_slots,
)
from yikatong.plan.periods import Month, Window
from yikatong.plan.register import Register
from yikatong.plan.registration import require_registered
from yikatong.plan.schedules import TIMEZONE, Schedule, derive_schedules, derive_schedules_of
from yikatong.plan.settings import ScheduleSettings, Settings, SubsidySettings
from yikatong.plan.slots import Slot
from yikatong.plan.working_days import Cadence, Tick, Unpublished, WorkingDays, what_to_do

__all__ = [
    "TIMEZONE",
    "Cadence",
    "CrossPeriodRule",
    "Entitlement",
    "Formal",
    "Frequency",
    "Mode",
    "Month",
    "NotPayable",
    "PayableSlot",
    "Plan",
    "PlanBook",
    "Register",
    "Schedule",
    "ScheduleSettings",
    "Settings",
    "Slot",
    "SlotVerdict",
    "Subsidy",
    "SubsidySettings",
    "Tick",
    "Trial",
    "Unpublished",
    "Window",
    "WorkingDays",
    "day_refusal",
    "derive_schedules",
    "derive_schedules_of",
    "is_formal_day",
    "is_late_trial",
    "judge_slot",
    "judging_date",
    "payable_slots",
    "require_registered",
    "validate_expression",
    "what_to_do",
]
