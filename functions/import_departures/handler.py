"""A list of the deceased or of those who moved away was dropped: take it in as its region's current one."""

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
from yikatong.use_cases.import_departures import ListArrival, import_departures

logger = Logger(service="import_departures")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord) -> None:
    w = wiring()
    dropped = fetch_dropped(record.json_body, w.client("s3"))
    arrival = ListArrival(
        object_key=dropped.key,
        sequencer=dropped.sequencer,
        sent_at=dropped.sent_at,
        upload_id=dropped.metadata.get("upload", ""),
        size=dropped.size,
        read=dropped.read,
    )
    imported = import_departures(
        arrival,
        control=w.control,
        lake=w.lake,
        reports=Bucket(w.client("s3"), w.environment["REPORTS_BUCKET"]),
        now=w.now(),
    )
    logger.info("departures", **(asdict(imported) if imported else {"refused": True}))


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
