"""First step of `payout`: rows that earlier batches could not pay become child batches, for the run to bind."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.metrics import count
from yikatong.aws.wiring import wiring
from yikatong.use_cases.take_up_rows import take_up_rows

logger = Logger(service="take_up_rows")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    taken = take_up_rows(
        event["run_id"],
        event["code"],
        control=w.control_of("function:take_up_rows"),
        lake=w.lake,
        book=w.book,
        settings=w.settings,
        now=w.now(),
    )
    count("AlteredClaims", taken.altered)
    logger.info("rows taken up", run_id=event["run_id"], rows=taken.rows, altered=taken.altered)
    return {"rows": taken.rows}
