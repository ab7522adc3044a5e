"""Commit what the bank has said about one batch: its payments' states, and its money in the funds."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.metrics import count
from yikatong.aws.wiring import wiring
from yikatong.use_cases.settle_batch import settle_batch

logger = Logger(service="settle_batch")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    batch = settle_batch(event["batch_id"], control=w.control_of("function:settle_batch"), lake=w.lake)
    count("FrozenPayments", batch.settlement.frozen.count if batch.settlement is not None else 0)
    logger.info("batch settled", batch_id=batch.batch_id, state=batch.state.value)
    return {"state": batch.state.value}
