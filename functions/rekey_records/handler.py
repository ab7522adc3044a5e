"""An operator's order to go on with the exchange of the public records' key: as far as one worker's time allows."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.ports import RekeyingOrder
from yikatong.use_cases.rekey_records import Table, rekey_records

logger = Logger(service="rekey_records")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord, lambda_context: LambdaContext) -> None:
    detail = record.json_body["detail"]
    w = wiring()
    table = Table(
        control=w.control,
        lake=w.lake,
        records=w.records,
        orders=w.orders,
        book=w.book,
        keys=w.fresh_record_keys(),
        now=w.now(),
        left_s=lambda: lambda_context.get_remaining_time_in_millis() / 1000,
    )
    outcome = rekey_records(RekeyingOrder(detail["step"], detail["by"], detail["reason"]), table)
    logger.info("records", step=detail["step"], outcome=outcome)


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
