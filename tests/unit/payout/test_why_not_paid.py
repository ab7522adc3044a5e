"""为什么我没领到钱？ What a clerk is told of one person or one payment, from the evidence alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local.bank.answers import Answer, receipt
from tests.unit.payout.house import House
from tests.unit.payout.rosters import (
    BOOK,
    CODE,
    DAOLI,
    NANGANG,
    NUMBER,
    PAYDAY,
    PAYMENT_SECRET,
    RECORD_SECRET,
    SETTINGS,
    SLOT,
    end_to_end,
    people,
    roster,
)
from yikatong.cards import CardState
from yikatong.errors import Refusal
from yikatong.pauses import Pause, pause_key
from yikatong.payments import payment_id
from yikatong.principals import Principal, Role, principal_key
from yikatong.receipts import receipts_prefix, source_of
from yikatong.roster.people import Person
from yikatong.rulings import Recovery, Ruling, numbered_key, recoveries_prefix, rulings_prefix
from yikatong.trace_request import TraceRequest
from yikatong.use_cases import trace_payment as tracing
from yikatong.use_cases.tell_story import Archive
from yikatong.use_cases.trace_payment import trace_or_say_why, trace_payment

THREE = people(3)
ASKING, OTHERS = THREE[0], THREE[1:]


def clerk(region: str = "230100", role: Role = Role.CLERK, departments: tuple[str, ...] = ()) -> Principal:
    pk, sk = principal_key("city-clerk")
    return Principal(pk=pk, sk=sk, name="city-clerk", role=role, region=region, departments=departments)


def archive(house: House) -> Archive:
    return Archive(
        control=house.control, lake=house.lake, audit=house.audit, records=house.records, book=BOOK, settings=SETTINGS,
        record_secret=RECORD_SECRET, today=house.now.date(),
    )  # fmt: skip


def asked(house: House, who: Person = ASKING, by: Principal | None = None, **more: Any) -> dict[str, Any]:
    request = TraceRequest(id_number=who.id_number, name=more.pop("name", who.name), **more)
    return trace_payment(request, by or clerk(), archive(house))


def ready(who: Sequence[Person] = THREE, cards: Sequence[Person] = THREE) -> tuple[House, str]:
    house = House()
    house.cards(cards)
    return house, house.approved(roster(who), DAOLI)


def story(answer: dict[str, Any]) -> dict[str, Any]:
    (only,) = answer["stories"]
    return dict(only)


def words(told: dict[str, Any]) -> str:
    return "\n".join(f"{line['at']} {line['step']} {line['what']}" for line in told["lines"])


def evidence(told: dict[str, Any], step: str) -> list[str]:
    return [key for line in told["lines"] if line["step"] == step for key in line["evidence"]]


def check_evidence(house: House, told: dict[str, Any]) -> None:
    """Every line names something, and every object of the lake that is named is there."""
    folders = ("rosters/", "selections/", "claims/", "instructions/", "sent/", "receipts/", "settlements/")
    for line in told["lines"]:
        assert line["evidence"], line
        for key in line["evidence"]:
            assert not key.startswith(folders) or house.lake.keys(key), key
            assert not key.startswith("audit/") or house.audit.keys(key) == [key], key


def test_somebody_who_was_paid_is_told_every_step_from_the_roster_to_the_public_record() -> None:
    house, batch_id = ready()
    house.on(PAYDAY)
    house.pay()
    told = story(asked(house))
    assert [line["step"] for line in told["lines"]] == [
        "名册", "校验", "审批", "发放", "锁定", "指令", "发出", "银行", "结算", "公开",
    ]  # fmt: skip
    check_evidence(house, told)
    (message,) = house.messages(batch_id)
    assert evidence(told, "发出") == [f"sent/{message}"]
    assert evidence(told, "锁定")[1] == house.manifest().files[0].key
    assert evidence(told, "结算")[:1] == house.lake.keys(f"settlements/{batch_id}/")
    # Every move of the batch is dated by its entry in the books, and names it.
    moves = [line for line in told["lines"] if line["step"] not in ("发出", "银行")]
    assert all(line["at"] and line["evidence"][-1].startswith(f"audit/{batch_id}/") for line in moves)
    assert end_to_end(ASKING) in words(told)
    assert "本人可查到：已发放到社保卡" in words(told)
    assert told["as"] == "享受人"
    assert told["now"].startswith(f"已发放，请查询尾号 {ASKING.account[-4:]} 的账户")


def test_a_story_holds_no_id_number_and_of_an_account_its_tail_only() -> None:
    house, _ = ready()
    house.on(PAYDAY)
    house.pay()
    text = json.dumps(asked(house), ensure_ascii=False)
    for person in THREE:
        assert person.id_number not in text
        assert person.account not in text
        assert person.name not in text


def test_the_same_story_is_found_by_the_payments_id_and_by_that_of_its_attempt() -> None:
    house, _ = ready()
    house.on(PAYDAY)
    house.pay()
    by_person = story(asked(house))
    payment = payment_id(PAYMENT_SECRET, CODE, SLOT, ASKING.id_number)
    for given in (payment, f"{payment}-1", payment.lower()):
        found = story(trace_payment(TraceRequest(payment_id=given), clerk(), archive(house)))
        assert found | {"as": by_person["as"]} == by_person
    other = trace_payment(TraceRequest(payment_id="A" * 26), clerk(), archive(house))
    assert (other["stories"], other["searched"]["read"]) == ([], 1)


def test_somebody_held_for_their_card_is_told_what_to_do_about_it() -> None:
    lost = replace(ASKING, card_state=CardState.LOST)
    house, batch_id = ready(cards=[lost, *OTHERS])
    house.on(PAYDAY)
    house.pay()
    told = story(asked(house))
    assert "暂缓：收款人的社会保障卡已挂失" in words(told)
    assert evidence(told, "锁定")[0] == house.batch(batch_id).selection.key  # type: ignore[union-attr]
    assert told["now"] == "请通知本人解挂或补卡；办好后自动补发，不必另报"


def test_somebody_still_held_when_the_approval_has_expired_needs_a_new_roster() -> None:
    house, _ = ready(cards=[replace(ASKING, card_state=CardState.LOST), *OTHERS])
    house.on(PAYDAY)
    house.pay()
    house.on(PAYDAY + timedelta(days=SETTINGS.for_subsidy(CODE).approval_expiry_days + 1))
    assert story(asked(house))["now"] == "审批已过有效期，不再自动补发；卡办好后请经办列入新的名册"


def test_somebody_held_whose_roster_is_not_approved_waits_for_that_and_mends_the_card_meanwhile() -> None:
    house = House()
    house.cards([replace(ASKING, card_state=CardState.LOST), *OTHERS])
    house.upload(roster(THREE), DAOLI)
    assert story(asked(house))["now"] == "等待审批；请通知本人解挂或补卡；办好后自动补发，不必另报"
    assert story(asked(house, OTHERS[0]))["now"] == "等待审批"


def test_somebody_excluded_when_the_roster_arrived_is_told_the_finding_and_its_cure() -> None:
    twelve = people(12)
    house = House()
    house.cards(twelve)
    wrong = roster(twelve).decode("utf-8-sig").replace(f"{ASKING.name},", "？？,").encode()
    house.approved(wrong, DAOLI)
    told = story(asked(house))
    assert [line["step"] for line in told["lines"]] == ["名册", "校验"]
    assert "剔除：姓名含有乱码或问号" in words(told)
    assert "生僻字" in told["now"]
    assert "姓名不符" in told["as"]


def test_somebody_lost_to_another_regions_batch_is_told_which_one_holds_the_claim() -> None:
    house, first = ready()
    second = house.approved(roster([ASKING], NANGANG, seed=2), NANGANG)
    house.on(PAYDAY)
    house.pay()
    lost, paid = asked(house)["stories"]
    assert (lost["batch_id"], paid["batch_id"]) == (second, first)
    assert f"由批次 {first}（哈尔滨市道里区，已公开）占用" in words(lost)
    assert evidence(lost, "占用") == [house.manifest().files[0].key]
    assert lost["now"].startswith("不用办理")
    # Who sees one region only is told the other's batch, and not its story.
    mine = story(asked(house, by=clerk(NANGANG)))
    assert mine == lost


def test_somebody_already_claimed_when_the_roster_came_is_told_by_whom() -> None:
    house, first = ready()
    house.on(PAYDAY)
    house.pay()
    house.upload(roster([*people(15)[3:], ASKING], NANGANG, seed=2), NANGANG)
    told = asked(house, by=clerk(NANGANG))["stories"][0]
    assert "剔除：本人（户）这一属期的本项补贴已由其他批次发放" in words(told)
    assert first in words(told)


def test_somebody_rejected_by_the_bank_is_told_why_in_its_words_and_in_ours() -> None:
    house, batch_id = ready()
    house.bank.script(accounts={ASKING.account: {"outcome": "reject", "code": "AC04"}})
    house.on(PAYDAY)
    house.pay()
    told = story(asked(house))
    assert "拒付，账户已注销（3018）" in words(told)
    assert set(evidence(told, "银行")) <= set(house.lake.keys(f"receipts/{batch_id}/"))
    assert told["now"].startswith("账户已注销，请到服务银行办理")


def test_somebody_in_doubt_is_told_to_wait_and_that_nothing_is_sent_twice() -> None:
    house, _ = ready()
    house.on(PAYDAY)
    house.bank.script(messages={"lose_receipts": 1})
    house.bank.mute = True
    house.pay()
    told = story(asked(house))
    assert "银行还没有答复这一笔" in words(told)
    assert "不会重复发放" in told["now"]


def test_somebody_whose_payment_the_bank_contradicts_is_told_so_and_who_ruled_on_it_and_what_came_back() -> None:
    house, batch_id = ready()
    house.on(PAYDAY)
    house.pay()
    (message,) = house.messages(batch_id)
    entry = house.bank.book["payments"][end_to_end(ASKING)]
    denial = Answer(end_to_end(ASKING), entry["amount_fen"], "RJCT", "AC04", "")
    house.receive(receipt("late", "2023-06-14", message, [denial]))
    frozen = story(asked(house))
    assert "回执：已入账" in words(frozen)
    assert "回执：拒付" in words(frozen)
    assert frozen["now"] == "银行答复前后矛盾，正在人工核实，请等待"
    at = house.now.isoformat()
    heard = tuple(map(source_of, house.lake.keys(receipts_prefix(batch_id))))
    ruling = Ruling(
        end_to_end_id=end_to_end(ASKING), ruled="settled", by="the-ruler", at=at, reason="柜面流水已入账", heard=heard
    )
    key = numbered_key(rulings_prefix(batch_id), end_to_end(ASKING), 1)
    house.lake.put_once(key, ruling.model_dump_json().encode(), "d")
    recovery = Recovery(
        end_to_end_id=end_to_end(ASKING), amount_fen=entry["amount_fen"], by="the-ruler", at=at, on=PAYDAY, reference="凭1",
        reason="本人不符合条件",
    )  # fmt: skip
    back = numbered_key(recoveries_prefix(batch_id), end_to_end(ASKING), 1)
    house.lake.put_once(back, recovery.model_dump_json().encode(), "d")
    house.settle(batch_id)
    told = story(asked(house))
    assert "the-ruler 认定为“已发放”：柜面流水已入账" in words(told)
    assert evidence(told, "认定") == [key]
    assert "the-ruler 登记追回" in words(told)
    assert evidence(told, "追回") == [back]
    assert "结算 已发放" in words(told)


def test_somebody_of_a_withdrawn_batch_is_told_who_withdrew_it_and_why() -> None:
    house, batch_id = ready()
    house.withdraw(batch_id)
    told = story(asked(house))
    assert "已撤回：the-approver：名单有误" in words(told)
    assert "不再发放" in told["now"]


def test_somebody_whose_batch_waits_for_funds_is_told_what_is_missing() -> None:
    house, _ = ready()
    house.set_funds(100)
    house.on(PAYDAY)
    house.pay()
    told = story(asked(house))
    assert "还差" in words(told)
    assert told["now"] == "不用办理，等待下一次发放"


def test_somebody_whose_roster_is_not_approved_yet_waits_for_that() -> None:
    house = House()
    house.cards(THREE)
    house.upload(roster(THREE), DAOLI)
    assert story(asked(house))["now"] == "等待审批"


def test_somebody_whose_subsidy_is_paused_is_told_by_whom_and_why() -> None:
    house, _ = ready()
    pk, sk = pause_key(CODE)
    at = house.now.isoformat()
    house.control.save(Pause(pk=pk, sk=sk, code=CODE, paused=True, reason="银行系统升级", by="the-operator", at=at))
    told = story(asked(house))
    assert "the-operator 暂停了本项补贴：银行系统升级" in words(told)
    assert told["now"] == "等待本项补贴恢复发放"


def test_a_wrong_name_with_a_right_number_is_said_without_the_right_one() -> None:
    house, _ = ready()
    told = story(asked(house, name="别的名字"))
    assert "姓名不符" in told["as"]
    assert ASKING.name not in json.dumps(told, ensure_ascii=False)


def test_a_name_and_a_number_are_read_as_people_type_them() -> None:
    house, _ = ready()
    wide = str.maketrans("0123456789X", "０１２３４５６７８９ｘ")
    request = TraceRequest(id_number=f" {ASKING.id_number.translate(wide)}", name=" ".join(ASKING.name))
    assert story(trace_payment(request, clerk(), archive(house)))["as"] == "享受人"


def test_nobody_found_says_what_was_searched_and_since_when() -> None:
    house, batch_id = ready()
    answer = asked(house, people(1, seed=77)[0])
    assert answer["stories"] == []
    assert answer["searched"] == {
        "region": "230100",
        "region_name": "哈尔滨市",
        "subsidies": [BOOK.subsidy(2023, NUMBER).name],
        "since": house.batch(batch_id).received_at,
        "read": 1,
        "more": False,
        "altered": [],
    }


@pytest.mark.parametrize(("limit", "value"), [("MOST_ROSTERS", 1), ("MOST_ROWS", 4)])
def test_a_search_that_stopped_at_its_limit_says_so(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    house, _ = ready()
    house.later(60)
    house.approved(roster(OTHERS, NANGANG, seed=2), NANGANG)
    monkeypatch.setattr(tracing, limit, value)
    answer = asked(house)
    assert (answer["stories"], answer["searched"]["read"], answer["searched"]["more"]) == ([], 1, True)
    assert asked(house, region=DAOLI)["searched"]["more"] is False
    assert story(asked(house, region=DAOLI))


@pytest.mark.parametrize(
    ("who", "more"),
    [
        (clerk("230200"), {"region": DAOLI}),
        (clerk(role=Role.OPERATOR), {}),
        (clerk(role=Role.TREASURER), {}),
        (clerk(departments=("省农业农村厅",)), {"plan_year": 2023, "number": NUMBER}),
    ],
    ids=["another city", "an operator", "a treasurer", "another department"],
)
def test_whoever_may_not_read_the_regions_reports_is_refused(who: Principal, more: dict[str, Any]) -> None:
    house, _ = ready()
    with pytest.raises(Refusal) as refused:
        asked(house, by=who, **more)
    assert refused.value.code == "forbidden"


def test_a_department_that_leads_another_subsidy_finds_nobody_in_this_one() -> None:
    house, _ = ready()
    answer = asked(house, by=clerk(role=Role.DEPARTMENT, departments=("省农业农村厅",)))
    assert (answer["stories"], answer["searched"]["read"]) == ([], 0)


def test_evidence_that_was_altered_is_named_and_nothing_is_told_beyond_it() -> None:
    house, batch_id = ready()
    house.on(PAYDAY)
    house.pay()
    selection = house.batch(batch_id).selection
    assert selection is not None
    house.lake.objects[selection.key] = (b"other bytes", "d")
    told = story(asked(house))
    assert told["lines"][-1]["evidence"] == (selection.key,)
    assert told["now"] == "请报告运行人员核查证据"
    house.lake.objects[house.batch(batch_id).rows_key] = (b"other bytes", "d")
    answer = asked(house)
    assert (answer["stories"], answer["searched"]["altered"]) == ([], [house.batch(batch_id).rows_key])


def test_a_child_batch_is_followed_from_its_parent_and_back() -> None:
    house, parent_id = ready(cards=[replace(ASKING, card_state=CardState.LOST), *OTHERS])
    house.on(PAYDAY)
    house.pay()
    house.on(PAYDAY + timedelta(days=1))
    house.cards(THREE)
    house.pay(house.order(cause="again1"))
    (child_id,) = house.batch(parent_id).children
    by_batch = {each["batch_id"]: each for each in asked(house)["stories"]}
    assert by_batch.keys() == {parent_id, child_id}
    assert f"这一行由批次 {child_id} 接续发放" in words(by_batch[parent_id])
    assert by_batch[parent_id]["now"] == f"见批次 {child_id} 的经过"
    assert f"补发批次，接续 {parent_id} 的第2行" in words(by_batch[child_id])
    assert by_batch[child_id]["now"].startswith("已发放")
    # Asked by the payment's id, which only the child's instruction has, the parent's story is told too.
    found = trace_payment(TraceRequest(payment_id=end_to_end(ASKING)), clerk(), archive(house))["stories"]
    assert {each["batch_id"] for each in found} == by_batch.keys()
    # Who was paid at once is not told of the child.
    assert [each["batch_id"] for each in asked(house, OTHERS[0])["stories"]] == [parent_id]


def test_a_reissue_is_followed_from_the_payment_that_failed() -> None:
    house, first_id = ready()
    house.on(PAYDAY)
    house.bank.script(accounts={ASKING.account: {"outcome": "reject", "code": "AC04"}})
    house.pay()
    house.bank.script(accounts={ASKING.account: {"outcome": "settle"}})
    house.on(PAYDAY + timedelta(days=8))
    result = house.reports.objects[f"{first_id}/result.xlsx"]
    again = house.approve(house.upload(result, name="again.xlsx", reissues=first_id)).batch_id
    house.drain()
    second, first = asked(house)["stories"]
    assert (second["batch_id"], first["batch_id"]) == (again, first_id)
    assert first["now"] == f"见批次 {again} 的经过"
    assert "拒付，账户已注销（3018）" in words(first)
    assert f"重新发放 {first_id} 的失败款项" in words(second)
    assert end_to_end(ASKING).removesuffix("-1") + "-2" in words(second)
    assert second["now"].startswith("已发放")


def test_a_refusal_travels_as_an_answer_to_the_function_that_asked() -> None:
    house, _ = ready()
    order = {"id_number": ASKING.id_number, "name": ASKING.name, "region": "230200"}
    assert trace_or_say_why(order, "city-clerk", archive(house))["code"] == "forbidden", "nobody registered"
    house.control.save(clerk())
    assert trace_or_say_why(order, "city-clerk", archive(house))["code"] == "forbidden", "another city"
    assert trace_or_say_why(order | {"region": DAOLI}, "city-clerk", archive(house))["outcome"] == "told"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "张三"},
        {"id_number": "230102199001011237"},
        {"payment_id": "A" * 26, "name": "张三"},
        {"payment_id": "TOO-SHORT"},
        {"payment_id": "A" * 26, "number": 2},
        {"payment_id": "A" * 26, "region": "110000"},
    ],
)
def test_a_question_is_one_payment_or_one_person_and_no_other(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="TraceRequest") as wrong:
        TraceRequest(**body)
    assert "张三" not in str(wrong.value)
