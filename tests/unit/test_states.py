"""The state table: every edge names its event, final states have none, and no other move is possible."""

from itertools import product

import pytest

from yikatong.states import (
    BATCH,
    BINDABLE,
    ENDED_RUN,
    FINAL_PAYMENT,
    PAYMENT,
    RUN,
    WITHDRAWABLE,
    BatchState,
    Facts,
    IllegalMove,
    PaymentState,
    RunState,
    event_of,
)

TABLES = [(BatchState, BATCH), (RunState, RUN), (PaymentState, PAYMENT)]
FINAL = {
    BatchState: {"WITHDRAWN"},
    RunState: set(),
    PaymentState: {"REISSUED", "FROZEN"},
}


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_every_state_is_in_its_table_and_is_told_to_the_bureau(states: type, table: dict[object, Facts]) -> None:
    assert set(table) == set(states)  # type: ignore[call-overload]
    assert all(facts.bureau for facts in table.values())


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_every_edge_leads_to_a_state_and_names_its_event(states: type, table: dict[object, Facts]) -> None:
    for facts in table.values():
        for target, event in facts.edges.items():
            assert states(target) in table
            assert event[0].isupper()
            assert event.isalpha()


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_final_states_have_no_way_out_and_the_others_have_one(states: type, table: dict[object, Facts]) -> None:
    assert {str(state) for state, facts in table.items() if facts.terminal} == FINAL[states]


@pytest.mark.parametrize("table", [table for _, table in TABLES], ids=["batch", "run", "payment"])
def test_a_move_the_table_does_not_name_is_illegal(table: dict[object, Facts]) -> None:
    for before, after in product(table, table):
        if after in table[before].edges:
            assert event_of(before, after) == table[before].edges[after]  # type: ignore[arg-type]
        else:
            with pytest.raises(IllegalMove):
                event_of(before, after)  # type: ignore[arg-type]


def reach(table: dict[BatchState, Facts], start: BatchState) -> set[str]:
    found, todo = set(), [start]
    while todo:
        state = todo.pop()
        if state not in found:
            found.add(state)
            todo += [BatchState(target) for target in table[state].edges]
    return {str(state) for state in found}


def test_what_is_instructed_can_no_longer_be_withdrawn_nor_bound_nor_claimed() -> None:
    assert reach(BATCH, BatchState.INSTRUCTED) == {"INSTRUCTED", "SETTLED", "PUBLISHED"}
    assert BatchState.INSTRUCTED not in WITHDRAWABLE | BINDABLE


def test_every_batch_can_still_end() -> None:
    ends = FINAL[BatchState] | {"PUBLISHED", "SETTLED"}
    assert all(reach(BATCH, state) & ends for state in BATCH)


def test_a_run_ends_once_and_only_its_open_items_are_amended() -> None:
    assert set(RUN[RunState.CLOSED_OPEN_ITEMS].edges) == {"CLOSED_OPEN_ITEMS", "CLOSED"}
    assert {RunState.CLOSED, RunState.CLOSED_OPEN_ITEMS} == ENDED_RUN


def test_only_what_the_bank_has_said_for_good_is_final_and_the_public_hears_of_nothing_else() -> None:
    assert {PaymentState.CLAIMED, PaymentState.INSTRUCTED, PaymentState.IN_DOUBT, PaymentState.REISSUED}.isdisjoint(
        FINAL_PAYMENT
    )
    assert {state for state, facts in PAYMENT.items() if facts.public} == FINAL_PAYMENT


def test_a_payment_in_doubt_is_settled_rejected_or_frozen_and_never_sent_back_to_instructed() -> None:
    assert set(PAYMENT[PaymentState.IN_DOUBT].edges) == {"SETTLED", "REJECTED", "FROZEN"}
