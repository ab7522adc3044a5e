"""Last step of `payout`: the run's totals balance to the fen, or this fails loudly."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.metrics import count
from yikatong.aws.wiring import wiring
from yikatong.use_cases.close_run import close_run

logger = Logger(service="close_run")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    run = close_run(
        event["run_id"],
        event["code"],
        control=w.control_of("function:close_run"),
        lake=w.lake,
        orders=w.orders,
        settings=w.settings,
        today=w.now().date(),
    )
    count("InDoubtPayments", run.totals.get("in_doubt_count", 0))
    logger.info("run closed", run_id=run.run_id, state=run.state.value, open_lines=len(run.open_lines))
    return {"state": run.state.value, "open_lines": len(run.open_lines)}
