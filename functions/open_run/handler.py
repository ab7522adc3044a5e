"""Second step of `payout`: freeze the run's inputs and bind its batches."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.runs import map_items_key
from yikatong.use_cases.open_run import open_run

logger = Logger(service="open_run")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    run_id: str = event["run_id"]
    inputs = open_run(
        run_id,
        event["code"],
        control=w.control_of("function:open_run"),
        lake=w.lake,
        workflow=w.workflow,
        book=w.book,
        settings=w.settings,
    )
    logger.info("run opened", run_id=run_id, batches=len(inputs.batches))
    return {"lake_bucket": w.lake.bucket, "batches_key": map_items_key(run_id), "batch_count": len(inputs.batches)}
