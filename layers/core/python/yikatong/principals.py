"""Who may do what, where and for which subsidies: one table of role x action, and two scopes (DESIGN §2).

A principal is known by the name of their signing identity. What a role may do is read off `MAY`, nothing else decides;
where is the principal's region and everything below it; for which subsidies is their departments, if any are named.
"""

from collections.abc import Mapping
from enum import StrEnum

from yikatong import regions
from yikatong.batches import scope_prefix
from yikatong.errors import Refusal
from yikatong.plan import Subsidy
from yikatong.ports import Control, Stored

PROVINCE = regions.PROVINCE


class Role(StrEnum):
    CLERK = "clerk"
    APPROVER = "approver"
    TREASURER = "treasurer"
    DEPARTMENT = "department"
    OPERATOR = "operator"
    AUDITOR = "auditor"

    @property
    def chinese(self) -> str:
        return _ROLE_WORDS[self]


class Action(StrEnum):
    UPLOAD_ROSTER = "upload_roster"
    SEE_BATCHES = "see_batches"
    READ_REPORT = "read_report"
    APPROVE_BATCH = "approve_batch"
    WITHDRAW_BATCH = "withdraw_batch"
    OPEN_OCCASION = "open_occasion"
    SET_FUNDS = "set_funds"
    SEE_RUNS = "see_runs"
    ORDER_RUN = "order_run"
    RESUME_RUN = "resume_run"
    STOP_RUN = "stop_run"
    RESEND_MESSAGE = "resend_message"
    REJECT_BATCH = "reject_batch"
    PAUSE_SUBSIDY = "pause_subsidy"
    DRAIN_QUEUE = "drain_queue"
    RULE_PAYMENT = "rule_payment"
    RECORD_RECOVERY = "record_recovery"
    REKEY_RECORDS = "rekey_records"
    PUBLISH_POLICY = "publish_policy"
    FILL_POLICY_LIST = "fill_policy_list"

    PUBLISH_DISCLOSURE = "publish_disclosure"
    EXPORT_PORTAL = "export_portal"

    @property
    def chinese(self) -> str:
        return _ACTION_WORDS[self]


_ROLE_WORDS: Mapping[Role, str] = {
    Role.CLERK: "经办",
    Role.APPROVER: "审批",
    Role.TREASURER: "财政资金",
    Role.DEPARTMENT: "主管部门",
    Role.OPERATOR: "运行",
    Role.AUDITOR: "审计",
}

_ACTION_WORDS: Mapping[Action, str] = {
    Action.UPLOAD_ROSTER: "上传名册",
    Action.SEE_BATCHES: "查看批次",
    Action.READ_REPORT: "下载校验报告",
    Action.APPROVE_BATCH: "审批批次",
    Action.WITHDRAW_BATCH: "撤回批次",
    Action.OPEN_OCCASION: "登记发放事项",
    Action.SET_FUNDS: "设定资金额度",
    Action.SEE_RUNS: "查看发放",
    Action.ORDER_RUN: "下达发放指令",
    Action.RESUME_RUN: "恢复发放",
    Action.STOP_RUN: "停止发放",
    Action.RESEND_MESSAGE: "重发银行报文",
    Action.REJECT_BATCH: "退回批次",
    Action.PAUSE_SUBSIDY: "暂停或恢复补贴项目",
    Action.DRAIN_QUEUE: "重投死信",
    Action.RULE_PAYMENT: "裁定冻结的支付",
    Action.RECORD_RECOVERY: "登记追回",
    Action.REKEY_RECORDS: "更换公开记录的密钥",
    Action.PUBLISH_POLICY: "发布补贴政策",
    Action.FILL_POLICY_LIST: "报送政策清单",
    Action.PUBLISH_DISCLOSURE: "更新公示",
    Action.EXPORT_PORTAL: "导出到政务服务网",
}

_SEE = frozenset({Action.SEE_BATCHES, Action.SEE_RUNS})
# For their own region, and at the province the departments only: `policy_drops.require_spokesman`.
_SPEAK = frozenset({Action.PUBLISH_POLICY, Action.FILL_POLICY_LIST})
# It shows only what may be shown, whoever orders it.
_PUBLIC = frozenset({Action.PUBLISH_DISCLOSURE, Action.EXPORT_PORTAL})

MAY: Mapping[Role, frozenset[Action]] = {
    Role.CLERK: _SEE | _SPEAK | {Action.UPLOAD_ROSTER, Action.READ_REPORT, Action.WITHDRAW_BATCH},
    Role.APPROVER: _SEE | {Action.APPROVE_BATCH, Action.REJECT_BATCH, Action.READ_REPORT, Action.WITHDRAW_BATCH},
    # Which of the bank's words is true is found out from the bank's statement, which the treasury has.
    Role.TREASURER: _SEE | {Action.SET_FUNDS, Action.RULE_PAYMENT, Action.RECORD_RECOVERY},
    Role.DEPARTMENT: _SEE | _SPEAK | _PUBLIC | {Action.OPEN_OCCASION, Action.READ_REPORT},
    # Operators keep runs going; a report names people, and nobody needs to read it for that.
    Role.OPERATOR: _SEE
    | _PUBLIC
    | {
        Action.ORDER_RUN,
        Action.RESUME_RUN,
        Action.STOP_RUN,
        Action.RESEND_MESSAGE,
        Action.PAUSE_SUBSIDY,
        Action.DRAIN_QUEUE,
        Action.REKEY_RECORDS,
    },
    Role.AUDITOR: _SEE | {Action.READ_REPORT},
}


class Principal(Stored):
    """A person or system that signs requests. Empty `departments`: every subsidy."""

    name: str
    role: Role
    region: str
    departments: tuple[str, ...] = ()


def principal_key(name: str) -> tuple[str, str]:
    return f"PRINCIPAL#{name}", "PRINCIPAL"


def find_principal(control: Control, name: str) -> Principal:
    """The principal of that name; a signing identity nobody registered may do nothing."""
    principal = control.read(Principal, *principal_key(name))
    if principal is None:
        raise Refusal(f"账号 {name} 未在平台登记，不能办理业务，请联系省财政厅开通。", "forbidden")
    return principal


def covers(scope: str, region: str) -> bool:
    """Whether a region lies in the scope: a province covers all its regions, a city its counties, a county itself."""
    return region.startswith(scope_prefix(scope))


def leads(principal: Principal, subsidy: Subsidy) -> bool:
    """Whether the subsidy is one of the principal's: any, or one that a department of theirs leads."""
    return not principal.departments or not set(principal.departments).isdisjoint(subsidy.lead_departments)


def authorize(principal: Principal, action: Action, region: str | None = None, subsidy: Subsidy | None = None) -> None:
    """Raise a Refusal `forbidden` unless the principal may do this, there, for that subsidy.

    `region` and `subsidy` are None only where the action concerns no single one of them. A run pays every region at
    once, so what is done to a run as a whole is done at `PROVINCE`.
    """
    if action not in MAY[principal.role]:
        raise Refusal(f"您的角色是{principal.role.chinese}，不能{action.chinese}。", "forbidden")
    if region is not None and not covers(principal.region, region):
        raise Refusal(f"您的管辖地区是 {principal.region}，{region} 不在其中，不能为它办理业务。", "forbidden")
    if subsidy is not None and not leads(principal, subsidy):
        raise Refusal(
            f"{subsidy}由{'、'.join(subsidy.lead_departments)}牵头，您不能为它{action.chinese}。", "forbidden"
        )
