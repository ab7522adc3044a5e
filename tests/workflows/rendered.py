"""The payout workflow with its substitutions filled, as `infra/stack.py` fills them."""

from collections.abc import Mapping

from infra.functions import PAYOUT_STEPS
from infra.workflow import WORKFLOWS, render

PARTITION, REGION, ACCOUNT = "aws-cn", "cn-north-1", "123456789012"


def rendered(
    arns: Mapping[str, str] | None = None,
    *,
    receipt_timeout_s: int = 86400,
    enquiry_wait_s: int = 900,
    enquiry_attempts: int = 6,
) -> str:
    arns = arns or {verb: f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{verb}" for verb in PAYOUT_STEPS}
    integration = f"arn:{PARTITION}:states:::"
    values: dict[str, str | int] = {
        **{"".join(word.capitalize() for word in verb.split("_")) + "Arn": arn for verb, arn in arns.items()},
        "InvokeAndWait": f"{integration}lambda:invoke.waitForTaskToken",
        "ReadObject": f"{integration}s3:getObject",
        "UpdateItem": f"{integration}dynamodb:updateItem",
        "ControlTable": "control",
        "MaxConcurrency": 4,
        "ReceiptTimeoutSeconds": receipt_timeout_s,
        "EnquiryWaitSeconds": enquiry_wait_s,
        "EnquiryAttempts": enquiry_attempts,
    }
    return render((WORKFLOWS / "payout.asl.json").read_text(encoding="utf-8"), values)
