"""What publishing may touch, from this environment's adapters. Apart from the wiring: it needs polars, the APIs do not."""

from yikatong.aws.metrics import count
from yikatong.aws.objects import Bucket
from yikatong.aws.wiring import Wiring
from yikatong.use_cases.publish_records import Reach


def reach_of(wired: Wiring, verb: str) -> Reach:
    """Everything `receive_receipt`, `resend_message` and `publish_records` may touch; `verb` is which of them acts."""
    return reach_for(wired, f"function:{verb}")


def reach_for(wired: Wiring, who: str) -> Reach:
    """The same in the name of `who`: a function, or the person whose word it carries out."""
    return Reach(
        control=wired.control_of(who),
        lake=wired.lake,
        records=wired.records,
        reports=Bucket(wired.client("s3"), wired.environment["REPORTS_BUCKET"]),
        orders=wired.orders,
        book=wired.book,
        record_keys=wired.record_keys,
        today=wired.now().date(),
        count=count,
    )
