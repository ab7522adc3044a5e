"""Half of a policy was dropped, a document or its metadata: publish the two together once both are there."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.objects import Bucket
from yikatong.aws.policy_files import PolicyDrop
from yikatong.aws.site import S3Site
from yikatong.aws.wiring import wiring
from yikatong.use_cases.publish_policy import Adapters, publish_policy

logger = Logger(service="publish_policy")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord) -> None:
    w = wiring()
    adapters = Adapters(
        drop=PolicyDrop(w.client("s3"), w.environment["POLICY_BUCKET"]),
        site=S3Site(w.client("s3"), w.environment["SITE_BUCKET"]),
        control=w.control,
        reports=Bucket(w.client("s3"), w.environment["REPORTS_BUCKET"]),
        book=w.book,
    )
    # The event's version is not asked for: both halves are read as they stand (use case).
    outcome = publish_policy(record.json_body["detail"]["object"]["key"], adapters, w.now())
    logger.info("policy", outcome=outcome)


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
