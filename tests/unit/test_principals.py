"""Who may do what: the whole table, role by action, against one written by hand from the brief."""

import itertools

import pytest

from tests.fakes import MemoryControl
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.principals import MAY, Action, Principal, Role, authorize, covers, find_principal, principal_key

# One line per action: the letters of the roles that may (c 经办, a 审批, t 财政资金, d 主管部门, o 运行, u 审计).
EXPECTED = {
    "upload_roster": "c",
    "see_batches": "catdou",
    "read_report": "cadu",
    "approve_batch": "a",
    "withdraw_batch": "ca",
    "open_occasion": "d",
    "set_funds": "t",
    "see_runs": "catdou",
    "order_run": "o",
    "resume_run": "o",
    "stop_run": "o",
    "resend_message": "o",
    "reject_batch": "a",
    "pause_subsidy": "o",
    "drain_queue": "o",
    "rule_payment": "t",
    "record_recovery": "t",
    "rekey_records": "o",
    "publish_policy": "cd",
    "fill_policy_list": "cd",
    "publish_disclosure": "do",
    "export_portal": "do",
}
LETTERS = {"clerk": "c", "approver": "a", "treasurer": "t", "department": "d", "operator": "o", "auditor": "u"}


def principal(role: str = "clerk", region: str = "230100", departments: tuple[str, ...] = ()) -> Principal:
    pk, sk = principal_key("somebody")
    return Principal(pk=pk, sk=sk, name="somebody", role=Role(role), region=region, departments=departments)


@pytest.mark.parametrize(("role", "action"), list(itertools.product(Role, Action)))
def test_a_role_may_do_exactly_what_the_table_says(role: Role, action: Action) -> None:
    if LETTERS[role] in EXPECTED[action]:
        authorize(principal(role), action, "230102")
        return
    with pytest.raises(Refusal, match=f"您的角色是{role.chinese}，不能{action.chinese}") as refused:
        authorize(principal(role), action, "230102")
    assert refused.value.code == "forbidden"


def test_the_expected_table_covers_every_role_and_action() -> None:
    assert set(EXPECTED) == {action.value for action in Action}
    assert set(LETTERS) == {role.value for role in Role} == {role.value for role in MAY}


@pytest.mark.parametrize(
    ("scope", "region", "inside"),
    [
        ("230000", "230000", True),
        ("230000", "231282", True),
        ("230100", "230100", True),
        ("230100", "230102", True),
        ("230100", "230200", False),
        ("230100", "230000", False),
        ("230102", "230102", True),
        ("230102", "230103", False),
        ("230102", "230100", False),
    ],
)
def test_a_province_covers_all_a_city_its_counties_a_county_itself(scope: str, region: str, inside: bool) -> None:
    assert covers(scope, region) is inside
    if inside:
        authorize(principal("clerk", scope), Action.UPLOAD_ROSTER, region)
    else:
        with pytest.raises(Refusal, match=f"您的管辖地区是 {scope}"):
            authorize(principal("clerk", scope), Action.UPLOAD_ROSTER, region)


def test_departments_limit_a_principal_to_the_subsidies_they_lead() -> None:
    book = PlanBook.committed()
    theirs, other = book.subsidy(2023, 2), book.subsidy(2023, 1)
    civil_affairs = principal("department", "230000", ("省民政厅",))
    authorize(civil_affairs, Action.SEE_BATCHES, subsidy=theirs)
    with pytest.raises(Refusal, match="省发展和改革委员会牵头"):
        authorize(civil_affairs, Action.SEE_BATCHES, subsidy=other)
    authorize(principal("department", "230000"), Action.SEE_BATCHES, subsidy=other)


def test_one_of_two_leading_departments_is_enough() -> None:
    joint = next(each for each in PlanBook.committed().plan(2023).subsidies if len(each.lead_departments) == 2)
    authorize(principal("auditor", "230000", (joint.lead_departments[1],)), Action.SEE_RUNS, subsidy=joint)


def test_a_signing_identity_nobody_registered_may_do_nothing() -> None:
    control = MemoryControl()
    with pytest.raises(Refusal, match="未在平台登记") as refused:
        find_principal(control, "stranger")
    assert refused.value.code == "forbidden"
    control.save(principal())
    assert find_principal(control, "somebody").role is Role.CLERK
