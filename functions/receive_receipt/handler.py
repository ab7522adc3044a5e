"""The bank delivered something: keep it and let it take effect; what cannot be understood goes to quarantine."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.metrics import count
from yikatong.aws.objects import Bucket
from yikatong.aws.reach import reach_of
from yikatong.aws.s3_events import fetch_dropped
from yikatong.aws.wiring import wiring
from yikatong.use_cases.receive_receipt import receive_receipt

logger = Logger(service="receive_receipt")
processor = BatchProcessor(EventType.SQS)


@without_quoting
def handle(record: SQSRecord) -> None:
    w = wiring()
    dropped = fetch_dropped(record.json_body, w.client("s3"))
    bank_id, _, name = dropped.key.removeprefix("inbound/").rpartition("/")
    data = dropped.read()
    poison = receive_receipt(data, bank_id, reach_of(w, "receive_receipt"), w.workflow)
    if poison:
        exchange = Bucket(w.client("s3"), dropped.bucket)
        exchange.put(f"quarantine/{bank_id or 'unknown'}/{name}", data, reason="；".join(poison))
        count("QuarantinedFiles", 1)
        logger.error("receipt quarantined", bank_id=bank_id, reasons=len(poison))
    logger.info("receipt received", bank_id=bank_id, version=dropped.version)


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
