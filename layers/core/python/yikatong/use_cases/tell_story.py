"""One roster row's whole story in words, each line with its evidence: a step of `trace_payment` (DESIGN §7).

Every line names the object or item that anybody may check it against. What cannot be read as it was written is said to be
so, and ends the story: nobody is told more than the evidence holds. Of an account only the tail is told.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from yikatong import claims, parquet
from yikatong.bank.codes import reason as bank_reason
from yikatong.batches import Batch, batch_key
from yikatong.follow_ups import approval_expired
from yikatong.ledger import ChainBroken, event_key, events_of
from yikatong.manifest import Manifest, manifest_key
from yikatong.masking import account_tail
from yikatong.money import in_yuan
from yikatong.pauses import read_pause
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook, Settings
from yikatong.ports import Control, Lake, Records
from yikatong.receipts import Channel, channel_of, read_receipt, receipts_prefix
from yikatong.records import person_key
from yikatong.regions import name_of
from yikatong.result_report import why_in_words
from yikatong.roster.findings import RULES, in_words
from yikatong.rulings import numbered_key, recoveries_of, recoveries_prefix, rulings_on, rulings_prefix
from yikatong.runs import Run, inputs_key, run_key
from yikatong.selection import ACCOUNT_OF_ANOTHER, CLAIMED_ELSEWHERE, SLOT_OUTSIDE_WINDOW
from yikatong.sent_messages import message_key, resent_prefix, sent_key
from yikatong.states import BATCH, PAYMENT, RUN, BatchState, PaymentState
from yikatong.use_cases.open_run import lacks_trial

MOST_RECEIPTS = 40
"""Receipts of one batch that are read for one story, the first by name; that there are more is said."""
STATUS = {"payable": "可发放", "held": "暂缓", "review": "待复核", "excluded": "剔除"}
STATED = {"settled": "已入账", "rejected": "拒付", "returned": "入账后退回"}
CHANNELS: dict[Channel, str] = {"delivered": "回执", "enquired": "查询答复"}
ALREADY_CLAIMED = "already_claimed"
NOW_OF = {
    CLAIMED_ELSEWHERE: "不用办理；所列批次已经或正在发放，如它撤回，平台会另行补发",
    ACCOUNT_OF_ANOTHER: "请经办核对身份证号和账号，改正后列入新的名册",
    SLOT_OUTSIDE_WINDOW: "请经办核对属期，在可发放的时间列入新的名册",
}


@dataclass(frozen=True)
class Line:
    """One step. `at` is an ISO time or date, empty where none is on record; `evidence` are object keys or items."""

    step: str
    at: str
    what: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """What stories are read from."""

    control: Control
    lake: Lake
    audit: Lake
    records: Records
    book: PlanBook
    settings: Settings
    record_secret: bytes
    today: date


class AlteredEvidence(Exception):
    """The evidence under this key is missing or not what was registered."""


@dataclass
class Story:
    """What happened to one row of a batch's frozen roster, in order, and what the person should do now."""

    row: dict[str, Any]
    batch: Batch
    archive: Archive
    lines: list[Line] = field(default_factory=list)
    now: str = ""

    def say(self, step: str, what: str, *evidence: str, at: str = "", event: str = "") -> None:
        """Add a line. `event` is the state's move it tells of: its entry in the audit chain dates it and is evidence."""
        named = reversed(self.events) if event else iter(())
        found = next((one for one in named if one["what"] == event), None)
        keys = [key for key in evidence if key]
        if found is not None:
            at = at or found["at"]
            keys.append(event_key(found["id"], found["n"]))
        self.lines.append(Line(step, at, what, tuple(keys)))

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The batch's own chain in the books, oldest first."""
        try:
            return events_of(self.batch, self.archive.audit)
        except ChainBroken as broken:
            raise AlteredEvidence(str(broken)) from None

    @property
    def item(self) -> str:
        return item_name(*batch_key(self.batch.batch_id))

    @cached_property
    def payments(self) -> pl.DataFrame:
        """All payments of the batch; only asked for once it is instructed."""
        assert self.batch.instruction is not None
        return frame_of(self.batch.instruction.payments_key, self.batch.instruction.sha256, self.archive.lake)

    @cached_property
    def payment(self) -> dict[str, Any]:
        """This row's own payment."""
        return self.payments.filter(pl.col("row") == self.row["row"]).row(0, named=True)

    @cached_property
    def manifest(self) -> Manifest | None:
        group = self.archive.settings.for_subsidy(self.batch.code).claim_group
        return self.archive.control.read(Manifest, *manifest_key(group, self.row["slot"]))


def tell_story(row: dict[str, Any], batch: Batch, archive: Archive) -> Story:
    """The story of one row (docs/architecture.md, the frozen roster), as far as it has come."""
    story = Story(row, batch, archive)
    try:
        for chapter in (_arrived, _judged, _approved, _bound, _claimed, _instructed, _answered, _settled, _published):
            if not chapter(story):
                break
    except AlteredEvidence as altered:
        story.say("证据", "这份证据缺失，或与登记的哈希不符，以后的经过无法核实", str(altered))
        story.now = "请报告运行人员核查证据"
    return story


def item_name(pk: str, sk: str) -> str:
    """How evidence names an item of the control table."""
    return f"{pk} / {sk}"


def frame_of(key: str, sha256: str, lake: Lake) -> pl.DataFrame:
    """The frame under that key, with the very bytes that were registered."""
    data = lake.get(key)
    if data is None or sha256_hex(data) != sha256:
        raise AlteredEvidence(key)
    return parquet.decode(data)


def _arrived(story: Story) -> bool:
    batch, row = story.batch, story.row
    if batch.parent:
        story.say("名册", f"补发批次，接续 {batch.parent} 的第{row['row']}行", batch.rows_key, story.item)
    else:
        about = f"，重新发放 {batch.reissue_of} 的失败款项" if batch.reissue_of else ""
        object_name = f"{batch.object_key}（版本 {batch.object_version}）"
        words = f"{batch.uploader} 报送名册{about}，第{row['row']}行"
        story.say("名册", words, object_name, batch.rows_key, at=batch.received_at, event="BatchCreated")
    return True


def _judged(story: Story) -> bool:
    batch, row = story.batch, story.row
    codes = _codes_of(row)
    why = "；".join(in_words(code) for code in codes)
    story.say(
        "校验",
        STATUS[row["status"]] + (f"：{why}" if why else ""),
        batch.rows_key,
        batch.report_key,
        event="BatchValidated",
    )
    if batch.state is BatchState.REFUSED:
        story.say("校验", f"整份名册不予受理：{batch.refusal}", story.item, event="BatchRefused")
        story.now = "请经办按校验报告改正名册后重新报送"
    elif batch.state is BatchState.WITHDRAWN:
        story.say("撤回", f"这一批次已撤回：{batch.withdrawn_because}", story.item, event="BatchWithdrawn")
        story.now = "这份名册已撤回，不再发放；是否另行报送请问经办"
    elif row["status"] == "excluded":
        if codes and codes[0] == ALREADY_CLAIMED:
            _say_holders(story, claims.FIRST_ATTEMPT, None)
        story.now = _cure(codes)
    else:
        return True
    return False


def _codes_of(row: dict[str, Any]) -> list[str]:
    return [code for code in (row["reasons"] or "").split(",") if code]


def _card_first(row: dict[str, Any]) -> str:
    """What a row that waits for its card wants besides what its batch waits for."""
    return f"；{_cure(_codes_of(row))}" if row["status"] == "held" else ""


def _cure(codes: list[str]) -> str:
    cure = RULES[codes[0]].cure if codes and codes[0] in RULES else ""
    return cure if cure and "{" not in cure else "请经办按校验报告核实、改正后，列入新的名册报送"


def _approved(story: Story) -> bool:
    batch, row = story.batch, story.row
    first, approval = batch.first_approval, batch.approval
    if first is not None:
        story.say("审批", f"{first.approver} 第一次审批", story.item, at=first.approved_at)
    if approval is None:
        story.say("审批", "另一位审批人尚未审批" if first else "尚未审批", story.item)
        story.now = f"等待审批{_card_first(row)}"
        return False
    story.say("审批", f"{approval.approver} 审批", story.item, at=approval.approved_at, event="BatchApproved")
    if row["status"] != "review":
        return True
    if row["row"] not in approval.accepted_reviews:
        story.say("审批", "审批人没有确认这一行，不发放", story.item)
        story.now = "请经办核实后，列入新的名册，并请审批人逐人确认"
        return False
    story.say("审批", "审批人确认了这一行", story.item, at=approval.approved_at)
    return True


def _bound(story: Story) -> bool:
    batch, archive = story.batch, story.archive
    if batch.run_id:
        run = archive.control.read(Run, *run_key(batch.code, batch.run_id))
        before = f"（此前 {'、'.join(batch.former_runs)} 没有发成）" if batch.former_runs else ""
        words = f"，{RUN[run.state].bureau}" if run else ""
        payday = f"（发放日 {run.as_of}）" if run else ""
        told = f"列入 {batch.run_id}{payday}{words}{before}"
        story.say("发放", told, inputs_key(batch.run_id), event="BatchBound")
        return True
    expiry = archive.settings.for_subsidy(batch.code).approval_expiry_days
    pause = read_pause(archive.control, batch.code)
    if pause.paused:
        story.say("发放", f"{pause.by} 暂停了本项补贴：{pause.reason}", item_name(pause.pk, pause.sk), at=pause.at)
        story.now = "等待本项补贴恢复发放"
    elif lacks_trial(batch, archive.control, archive.book):
        story.say("发放", "本地区尚未通过模拟测试，通过前不发放", story.item)
        story.now = "等待本地区通过模拟测试"
    elif approval_expired(batch, archive.today, archive.settings):
        story.say("发放", f"审批已过有效期（{expiry}天），没有列入发放", story.item)
        story.now = "请经办重新报送名册"
    else:
        story.say("发放", "尚未列入发放", story.item)
        story.now = f"等待发放{_card_first(story.row)}"
    return False


def _claimed(story: Story) -> bool:
    batch, row = story.batch, story.row
    if batch.selection is None:
        story.say("锁定", BATCH[batch.state].bureau, story.item)
        story.now = "发放正在进行，请稍后再查"
        return False
    selection = frame_of(batch.selection.key, batch.selection.sha256, story.archive.lake)
    chosen = selection.filter(pl.col("row") == row["row"]).row(0, named=True)
    outcome, code = chosen["outcome"], chosen["reason"] or ""
    if outcome == "sent":
        file = story.manifest.file_of(batch.batch_id) if story.manifest else None
        story.say("锁定", "已锁定为发放对象", batch.selection.key, file.key if file else "", event="BatchClaimed")
        return True
    word = "暂缓" if outcome == "held" else "不发放"
    story.say("锁定", f"{word}：{why_in_words(outcome, code)}", batch.selection.key, event="BatchClaimed")
    if code in (CLAIMED_ELSEWHERE, ACCOUNT_OF_ANOTHER):
        _say_holders(story, chosen["attempt"], chosen["pay_account"])
    story.now = _of_held(story, code) if outcome == "held" else NOW_OF.get(code, "请经办核实后列入新的名册")
    return False


def _of_held(story: Story, code: str) -> str:
    """A row still held on payday is paid once the card is mended, while the approval holds (PROTOCOL W2)."""
    if approval_expired(story.batch, story.archive.today, story.archive.settings):
        return "审批已过有效期，不再自动补发；卡办好后请经办列入新的名册"
    return _cure([code])


def _say_holders(story: Story, attempt: int, account: str | None) -> None:
    """Name the batches whose standing claims hold the person, the household or the account; of whatever region."""
    row, batch, archive, manifest = story.row, story.batch, story.archive, story.manifest
    if manifest is None:
        return
    try:
        standing = claims.read_claims(manifest, archive.lake.get)
    except claims.AlteredClaim as altered:
        raise AlteredEvidence(str(altered)) from None
    ids = [row["key"], row["beneficiary_id"]]
    accounts = [account] if account else []
    person = pl.any_horizontal(pl.col("key").is_in(ids), pl.col("beneficiary_id").is_in(ids))
    holds = (person & (pl.col("attempt") == attempt)) | pl.col("pay_account").is_in(accounts)
    for batch_id in standing.filter(holds & (pl.col("batch_id") != batch.batch_id))["batch_id"].unique().sort():
        holder = archive.control.read(Batch, *batch_key(batch_id))
        file = manifest.file_of(batch_id)
        where = f"（{name_of(holder.region)}，{BATCH[holder.state].bureau}）" if holder else ""
        evidence = file.key if file else item_name(manifest.pk, manifest.sk)
        story.say("占用", f"由批次 {batch_id}{where}占用", evidence)


def _instructed(story: Story) -> bool:
    batch = story.batch
    if batch.instruction is None:
        story.say("指令", f"结转：{batch.carried}" if batch.carried else "尚未向银行发出指令", story.item)
        story.now = "不用办理，等待下一次发放" if batch.carried else "发放正在进行，请稍后再查"
        return False
    payment, message = story.payment, story.payment["message_id"]
    tail, amount = account_tail(payment["pay_account"]), in_yuan(payment["amount_fen"])
    words = f"报文 {message}，支付号 {payment['end_to_end_id']}，{amount} 元，账号尾号 {tail}"
    evidence = (batch.instruction.payments_key, message_key(batch.batch_id, message))
    story.say("指令", words, *evidence, at=batch.instruction.instructed_at, event="BatchInstructed")
    mark = story.archive.lake.get(sent_key(message))
    if mark is None:
        story.say("发出", "报文还没有交给银行", sent_key(message))
        return True
    sent = json.loads(mark)
    told = f"{sent['never']} 裁定不再交给银行" if "never" in sent else f"交给 {sent['bank_id']}"
    story.say("发出", told, sent_key(message), at=sent["at"])
    for key, note in _notes(story, resent_prefix(message)):
        again = f"{note['never']} 裁定不再发出" if "never" in note else f"{note['ordered_by']} 下令再发一次同一报文"
        story.say("发出", again, key, at=note["at"])
    return True


def _notes(story: Story, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What people noted in the lake under that prefix, with the keys."""
    lake = story.archive.lake
    for key in lake.keys(prefix):
        data = lake.get(key)
        if data is None:
            raise AlteredEvidence(key)
        yield key, json.loads(data)


def _answered(story: Story) -> bool:
    prefix = receipts_prefix(story.batch.batch_id)
    keys = story.archive.lake.keys(prefix)
    told = False
    for key in keys[:MOST_RECEIPTS]:
        for statement in _statements(story, key):
            told = True
            story.say("银行", _stated(statement, key), key, at=str(statement["on"] or ""))
    if len(keys) > MOST_RECEIPTS:
        story.say("银行", f"共有 {len(keys)} 份答复，只读了 {MOST_RECEIPTS} 份", prefix)
    elif not told:
        story.say("银行", "银行还没有答复这一笔", prefix)
    _say_people(story)
    return True


def _say_people(story: Story) -> None:
    """What people added to the bank's word: rulings on a frozen payment, and money got back (追回)."""
    batch_id, mine, lake = story.batch.batch_id, story.payment["end_to_end_id"], story.archive.lake
    for n, ruling in enumerate(rulings_on(batch_id, mine, lake), start=1):
        words = f"{ruling.by} 认定为“{PAYMENT[PaymentState(ruling.ruled.upper())].bureau}”：{ruling.reason}"
        story.say("认定", words, numbered_key(rulings_prefix(batch_id), mine, n), at=ruling.at)
    for n, recovery in enumerate(recoveries_of(batch_id, mine, lake), start=1):
        words = (
            f"{recovery.by} 登记追回 {in_yuan(recovery.amount_fen)} 元，凭证 {recovery.reference}：{recovery.reason}"
        )
        story.say("追回", words, numbered_key(recoveries_prefix(batch_id), mine, n), at=recovery.at)


def _statements(story: Story, key: str) -> Iterator[dict[str, Any]]:
    data = story.archive.lake.get(key)
    if data is None or sha256_hex(data) not in key:
        raise AlteredEvidence(key)
    mine = pl.col("end_to_end_id") == story.payment["end_to_end_id"]
    yield from read_receipt(data, story.payments).statements.filter(mine).iter_rows(named=True)


def _stated(statement: dict[str, Any], key: str) -> str:
    channel = CHANNELS[channel_of(key)]
    title = bank_reason(statement["reason"]).title if statement["reason"] else ""
    raw = f"（{statement['raw_code']}）" if statement["raw_code"] else ""
    return f"{channel}：{STATED[statement['kind']]}" + (f"，{title}{raw}" if title else "")


def _settled(story: Story) -> bool:
    settlement = story.batch.settlement
    if settlement is None:
        story.now = "等待银行答复，请稍后再查"
        return False
    payments = frame_of(settlement.key, settlement.sha256, story.archive.lake)
    settled = payments.filter(pl.col("row") == story.row["row"]).row(0, named=True)
    state = PaymentState(settled["state"])
    on = str(settled["returned_on"] or settled["settled_on"] or "")
    story.say("结算", PAYMENT[state].bureau, settlement.key, at=on, event="BatchSettled")
    story.now = _advice(state, settled["reason"], story.payment)
    return True


def _advice(state: PaymentState, code: str | None, payment: dict[str, Any]) -> str:
    if state is PaymentState.SETTLED:
        waits = "" if payment["activated"] else "；卡的金融账户未激活，请本人到服务银行激活后使用"
        return f"已发放，请查询尾号 {account_tail(payment['pay_account'])} 的账户{waits}"
    if state in (PaymentState.REJECTED, PaymentState.RETURNED):
        cure = bank_reason(code).payee_text if code else "请到服务银行查询"
        return f"{cure}；办好后由经办改正这一行并重新发放"
    if state is PaymentState.FROZEN:
        return "银行答复前后矛盾，正在人工核实，请等待"
    return "银行尚未答复，平台正在查询，请等待；不会重复发放"


def _published(story: Story) -> bool:
    row, records = story.row, story.archive.records
    person = person_key(story.archive.record_secret, row["beneficiary_id"], row["beneficiary_name"])
    mine = f"{row['slot']}#{story.payment['payment_id']}"
    found = [record for record in records.of_person(person) if str(record["sk"]).startswith(mine)]
    for record in found:
        story.say("公开", f"本人可查到：{record['status']}", f"records / {record['sk']}", event="RecordsPublished")
    if not found:
        story.say("公开", "尚未公开", story.item)
    return True
