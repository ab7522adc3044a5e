"""Dead-letter queues on SQS: counted, and drained after a fix."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
MOST_AT_ONCE = 10
HELD_S = 60
"""How long a message that is being put back stays hidden: longer than the API's request lives."""


class SqsQueues:
    """Implements `yikatong.ports.Queues`. `addresses`: by verb, the dead-letter queue's URL and that of the live one."""

    def __init__(self, client: "SQSClient", addresses: Mapping[str, tuple[str, str]]) -> None:
        self._client = client
        self._addresses = addresses

    @property
    def verbs(self) -> Sequence[str]:
        return sorted(self._addresses)

    def dead(self, verb: str) -> int:
        dead_url, _ = self._addresses[verb]
        found = self._client.get_queue_attributes(
            QueueUrl=dead_url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        )["Attributes"]
        # One that a broken-off drain had taken is there still, and comes back after a minute.
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def drain(self, verb: str, most: int) -> int:
        dead_url, live_url = self._addresses[verb]
        moved = 0
        while moved < most:
            received = self._client.receive_message(
                QueueUrl=dead_url,
                MaxNumberOfMessages=min(MOST_AT_ONCE, most - moved),
                VisibilityTimeout=HELD_S,
                MessageAttributeNames=["SCHEDULED_TIME"],
            ).get("Messages", [])
            if not received:
                break
            for message in received:
                self._client.send_message(QueueUrl=live_url, MessageBody=_body(message))
                self._client.delete_message(QueueUrl=dead_url, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
        return moved


def _body(message: "MessageTypeDef") -> str:
    """The message as it was. Scheduler's dead tick may still hold the placeholder of its time, which stands beside it."""
    attribute = message.get("MessageAttributes", {}).get("SCHEDULED_TIME")
    due = attribute.get("StringValue") if attribute is not None else None
    return message["Body"] if due is None else message["Body"].replace(SCHEDULED_TIME, due)
