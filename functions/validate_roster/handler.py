"""A roster was dropped: validate it, and write the batch and the report back."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.objects import Bucket
from yikatong.aws.s3_events import fetch_dropped
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.roster_arrivals import Arrival
from yikatong.use_cases.validate_roster import validate_roster

logger = Logger(service="validate_roster")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord) -> None:
    w = wiring()
    dropped = fetch_dropped(record.json_body, w.client("s3"))
    with TemporaryDirectory() as folder:
        arrival = Arrival(
            object_key=dropped.key,
            object_version=dropped.version,
            sequencer=dropped.sequencer,
            mode=dropped.metadata.get("mode", "formal"),
            upload_id=dropped.metadata.get("upload", ""),
            size=dropped.size,
            read=lambda: dropped.save(Path(folder, "roster")),
            sheet=unquote(dropped.metadata.get("sheet", "")),
            reissues=dropped.metadata.get("reissues", ""),
        )
        outcome = validate_roster(
            arrival,
            control=w.control_of("function:validate_roster"),
            lake=w.lake,
            reports=Bucket(w.client("s3"), w.environment["REPORTS_BUCKET"]),
            orders=w.orders,
            book=w.book,
            settings=w.settings,
            banks=committed_banks(),
            now=w.now(),
        )
    logger.info("roster validated", outcome=outcome, version=dropped.version)


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
