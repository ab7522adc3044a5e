"""The closed list of what the auditor can find, each with the one line a person reads; and what it did find.

A difference says where, what was expected and what was found: rows by their number, payments by their id. No id
number, name or account ever stands in one.
"""

from dataclasses import dataclass, field

KINDS: dict[str, str] = {
    # evidence
    "roster_altered": "冻结名册缺失，或与批次所记的校验值不符",
    "selection_altered": "筛选结果文件缺失，或与批次所记的校验值不符",
    "instruction_altered": "付款指令文件缺失，或与批次所记的校验值不符",
    "settlement_altered": "结算文件缺失，或与批次所记的校验值不符",
    "claim_altered": "锁定文件缺失，或与清单所记的校验值、行数不符",
    "checkpoint_altered": "锁定清单的汇总文件缺失、校验值不符，或与它汇总的各文件不一致",
    "evidence_without_batch": "有证据文件，但数据表里没有这个批次",
    "receipt_unreadable": "留存的回执读不懂",
    # batches
    "roster_counts_differ": "批次所记的行数、金额与冻结名册不符",
    "approval_differs": "审批的行数、金额与冻结名册不符",
    "rows_not_balanced": "名册各行的去向相加不等于名册",
    "selection_not_approved": "筛选结果不是经审批的那些行，或内容被改动",
    "selection_counts_differ": "批次所记的筛选结果与文件不符",
    "reason_missing": "有未发、暂缓的行没有写明原因",
    # claims
    "claimed_twice": "同一人（户）同一属期被锁定两次",
    "claim_of_no_row": "锁定的行不是该批次经审批的行",
    "claim_not_selected": "已锁定，却没有列入该批次的发放",
    "sent_without_claim": "发放的行没有自己的锁定",
    "claim_of_trial": "模拟测试批次留有锁定",
    "release_missing": "批次已撤回，锁定却没有释放",
    "release_without_withdrawal": "锁定已释放，批次却没有撤回",
    # instructions
    "instruction_not_selected": "付款指令不是筛选出来要发的那些行",
    "payment_id_shared": "同一支付号用于不同的人（户）或属期，或同一人（户）同一属期有不同的支付号",
    "attempt_repeated": "同一笔支付的同一次发放出现两次",
    "messages_differ": "付款报文的份数与批次所记不符",
    "message_unreadable": "付款报文缺失或读不懂",
    "message_lines_differ": "付款报文的明细与付款指令文件不符",
    "message_total_differs": "付款报文所写的笔数、总额与其明细不符",
    "mark_without_message": "有发送标记，却没有对应的付款报文或已下达指令的批次",
    # settlements
    "settlement_differs": "批次所记的结算与银行回执重新计算的不符",
    "settlement_rows_differ": "结算文件逐笔与银行回执重新计算的不符",
    "recovered_differs": "批次所记的追回与追回记录不符",
    "recovered_too_much": "追回多于银行入账未退的金额",
    "paid_too_much": "一笔支付的净发放多于应发金额",
    # funds
    "reserved_differs": "批次所记的资金占用与重新计算的不符",
    "funds_differ": "资金账（占用、支出）与各批次重新计算的不符",
    "funds_missing": "批次占用或支出了资金，却没有资金账",
    "funds_exceeded": "占用与支出合计超过额度",
    # runs
    "run_inputs_missing": "发放的冻结输入缺失或读不懂",
    "closing_missing": "发放已结束，却没有结账文件",
    "closing_differs": "结账文件（含补充）与重新计算的不符",
    "run_totals_differ": "发放的合计不等于结账文件各行之和",
    "open_lines_differ": "发放的待结批次与重新计算的不符",
    # follow-ups
    "child_not_of_parent": "子批次的行不是原批次暂缓、未发的行，或内容被改动",
    "child_twice": "原批次的同一行转入了两个子批次",
    "passed_on_differs": "原批次所记的转出与子批次不符",
    "reissue_not_failed": "重新发放的支付，上一次并没有失败",
    "reissue_exceeds": "重新发放的金额多于失败的金额",
    # records
    "record_missing": "已有结果的支付没有公开记录",
    "record_unknown": "公开记录没有对应的支付",
    "record_differs": "公开记录与支付的结果不符",
    "record_key_differs": "公开记录不在本人的键下",
    # bank
    "bank_paid_twice": "银行账簿里同一支付号入账不止一次",
    "bank_unknown_payment": "银行账簿里的支付没有付款指令",
    "bank_amount_differs": "银行账簿的金额与付款指令不符",
    "bank_account_differs": "银行入账的账户与付款指令不符",
    "bank_outcome_differs": "银行账簿与回执说的结果不符",
    "bank_missing_payment": "回执说已入账，银行账簿里没有",
    "bank_unknown_message": "银行收到的报文没有发送标记",
    "bank_sent_again": "银行收到同一报文的次数多于下令发送的次数",
    # trials
    "trial_holds_money": "模拟测试批次占用或记录了资金",
    "trial_published": "模拟测试的支付有公开记录",
    "trial_moved_money": "模拟测试的支付出现在银行的正式账簿",
    # audit chain
    "chain_missing": "没有审计链",
    "chain_broken": "审计链断开：事件缺失、被改动或不相连",
    "chain_differs": "按审计链重做的内容与数据表不符",
    "chain_evidence_differs": "审计事件所记的证据文件缺失或校验值不符",
    "root_broken": "每日总根缺失前一份，或与前一份不相连",
    "root_differs": "每日总根所记的链头与审计链不符",
}


@dataclass(frozen=True)
class Difference:
    """One thing that does not agree. `name` is a key of `KINDS`; `where` a batch, run, file or payment id."""

    name: str
    where: str
    expected: str
    found: str

    @property
    def meaning(self) -> str:
        return KINDS[self.name]


@dataclass
class Findings:
    """What was found so far."""

    differences: dict[Difference, None] = field(default_factory=dict)
    """In the order of looking, each once."""
    notes: list[str] = field(default_factory=list)
    altered: set[str] = field(default_factory=set)
    """Keys of evidence that is known to be altered or missing: said once, by whoever looked first."""

    def add(self, name: str, where: str, expected: object = "", found: object = "") -> None:
        assert name in KINDS, name
        self.differences[Difference(name, where, str(expected), str(found))] = None

    def compare(self, name: str, where: str, expected: object, found: object) -> None:
        """Add a difference unless both are the same."""
        if expected != found:
            self.add(name, where, expected, found)

    def note(self, words: str) -> None:
        """Something the reader must know that is no difference."""
        if words not in self.notes:
            self.notes.append(words)
