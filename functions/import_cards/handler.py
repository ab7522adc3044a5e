"""A card registry was dropped: import it as a new version."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.objects import Bucket
from yikatong.aws.s3_events import fetch_dropped
from yikatong.aws.wiring import wiring
from yikatong.use_cases.import_cards import CardArrival, import_cards

logger = Logger(service="import_cards")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord) -> None:
    w = wiring()
    dropped = fetch_dropped(record.json_body, w.client("s3"))
    imported = import_cards(
        CardArrival(dropped.key, dropped.sequencer, dropped.size, dropped.read),
        control=w.control,
        lake=w.lake,
        reports=Bucket(w.client("s3"), w.environment["REPORTS_BUCKET"]),
        orders=w.orders,
        book=w.book,
        settings=w.settings,
        now=w.now(),
    )
    logger.info("cards", **(asdict(imported) if imported else {"refused": True}))


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
