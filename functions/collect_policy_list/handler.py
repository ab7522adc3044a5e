"""A department's part of a policy list was dropped: take it in, and collect the region's list anew."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.objects import Bucket
from yikatong.aws.s3_events import fetch_dropped
from yikatong.aws.site import S3Site
from yikatong.aws.wiring import wiring
from yikatong.use_cases.collect_policy_list import Adapters, FormArrival, collect_policy_list

logger = Logger(service="collect_policy_list")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord) -> None:
    w = wiring()
    dropped = fetch_dropped(record.json_body, w.client("s3"))
    arrival = FormArrival(
        object_key=dropped.key,
        sequencer=dropped.sequencer,
        sent_at=dropped.sent_at,
        upload_id=dropped.metadata.get("upload", ""),
        department=dropped.metadata.get("department", ""),
        size=dropped.size,
        read=dropped.read,
    )
    adapters = Adapters(
        site=S3Site(w.client("s3"), w.environment["SITE_BUCKET"]),
        control=w.control,
        reports=Bucket(w.client("s3"), w.environment["REPORTS_BUCKET"]),
        book=w.book,
    )
    logger.info("policy list", outcome=collect_policy_list(arrival, adapters, w.now()))


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
