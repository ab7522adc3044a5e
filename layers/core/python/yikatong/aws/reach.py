"""What publishing may touch, from this environment's adapters. Apart from the wiring: it needs polars, the APIs do not."""

from yikatong.aws.objects import Bucket
from yikatong.aws.wiring import Wiring
from yikatong.use_cases.publish_records import Reach


def reach_of(wired: Wiring, verb: str) -> Reach:
    """Everything `receive_receipt`, `resend_message` and `publish_records` may touch; `verb` is which of them acts."""
    return Reach(
        control=wired.control_of(f"function:{verb}"),
        lake=wired.lake,
        records=wired.records,
        reports=Bucket(wired.client("s3"), wired.environment["REPORTS_BUCKET"]),
        orders=wired.orders,
        book=wired.book,
        record_secret=wired.record_secret,
        today=wired.now().date(),
    )
