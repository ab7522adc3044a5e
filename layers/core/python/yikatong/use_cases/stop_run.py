"""An operator stops a run between batches, and lets it go on: only what is unfinished (PROTOCOL R1)."""

from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.ports import Control, Orders, Workflow
from yikatong.principals import PROVINCE, Action, Principal, authorize
from yikatong.runs import Run
from yikatong.states import ENDED_RUN, RUN, RunState
from yikatong.use_cases.list_batches import find_run


def stop_run(
    control: Control, workflow: Workflow, book: PlanBook, principal: Principal, run_id: str, reason: str
) -> Run:
    """Say that the run is stopped, then end its execution. Repeating it is harmless and finishes a broken-off stop.

    The state first: the news of an aborted execution starts a run again, unless the run says STOPPED by then. Workers
    in flight may still finish their step; claims and sent marks hold whatever they do.
    """
    run = find_run(control, run_id)
    authorize(principal, Action.STOP_RUN, PROVINCE, book.by_code(run.plan_year, run.code))
    if not reason.strip():
        raise Refusal("请写明停止的原因。", "invalid")
    if run.state in ENDED_RUN:
        raise Refusal(f"发放{RUN[run.state].bureau}，不能停止。", "conflict")
    if run.state is not RunState.STOPPED:
        # The last steps before the stop may have moved the run on: the conditional write judges the state again.
        stopped = run.moved(RunState.STOPPED, note=f"{principal.name}：{reason.strip()}")
        control.save(stopped)
        run = stopped.model_copy(update={"version": run.version + 1})
    if workflow.status(run.execution) == "RUNNING":
        workflow.stop(run.execution, "stopped by an operator")
    return run


def resume_run(control: Control, orders: Orders, book: PlanBook, principal: Principal, run_id: str) -> Run:
    """Publish the run's order again: `start_run` starts the next execution once the last one has ended.

    A run that was stopped is open again before that; its frozen inputs are used as they are (PROTOCOL R2).
    """
    run = find_run(control, run_id)
    authorize(principal, Action.RESUME_RUN, PROVINCE, book.by_code(run.plan_year, run.code))
    if run.state in ENDED_RUN:
        raise Refusal(f"发放{RUN[run.state].bureau}，没有可恢复的。", "conflict")
    resumed = run.allowed_again()
    if run.state is RunState.STOPPED:
        resumed = resumed.moved(RunState.OPEN, note=f"{principal.name}：恢复发放")
    if resumed != run:
        control.save(resumed)
        resumed = resumed.model_copy(update={"version": run.version + 1})
    orders.order_run(resumed.order)
    return resumed
