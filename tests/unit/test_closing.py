"""A batch's line and a run's totals balance by rows and to the fen, or the run stops."""

import dataclasses

import pytest

from yikatong.batches import Tally
from yikatong.closing import Line, NotBalanced, check, total

ZERO = Tally()


def tally(count: int, fen: int) -> Tally:
    return Tally(count=count, fen=fen)


def line(**changes: object) -> Line:
    """10 rows: 1 excluded, 1 held, 1 not sent, 1 rejected, 1 in doubt, 5 settled of which 1 returned; 100 fen each."""
    whole = Line(
        batch_id="b", region="230102", state="PUBLISHED", rows=10, excluded=tally(1, 100), held=tally(1, 100),
        not_sent=tally(1, 100), waiting=ZERO, rejected=tally(1, 100), in_doubt=tally(1, 100), settled=tally(5, 500),
        returned=tally(1, 100), approved=tally(9, 900),
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def test_a_line_that_adds_up_is_accepted() -> None:
    check(line())


@pytest.mark.parametrize("column", ["held", "not_sent", "waiting", "rejected", "in_doubt", "settled"])
@pytest.mark.parametrize("wrong", [tally(0, 1), tally(1, 0)])
def test_one_row_or_one_fen_too_many_anywhere_stops_the_run(column: str, wrong: Tally) -> None:
    with pytest.raises(NotBalanced):
        check(line(**{column: getattr(line(), column) + wrong}))


def test_a_row_that_is_nowhere_stops_the_run() -> None:
    with pytest.raises(NotBalanced):
        check(line(rows=11))


def test_no_more_comes_back_than_was_credited() -> None:
    with pytest.raises(NotBalanced):
        check(line(returned=tally(5, 501)))
    with pytest.raises(NotBalanced):
        check(line(returned=tally(6, 500)))


def test_a_line_is_open_while_money_is_in_doubt_or_waits_for_the_next_run() -> None:
    assert line().open
    assert not line(in_doubt=ZERO, settled=tally(6, 600)).open
    assert line(in_doubt=ZERO, waiting=tally(1, 100)).open


def test_a_runs_totals_are_the_sums_of_its_lines() -> None:
    totals = total([line(), line()])
    assert totals["settled"] == tally(10, 1000)
    assert totals["approved"] == tally(18, 1800)
    assert total([])["settled"] == ZERO


def test_a_refusal_to_balance_names_the_batch_and_nobody() -> None:
    with pytest.raises(NotBalanced, match=r"^b: "):
        check(line(rows=11))
