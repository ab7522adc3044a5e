"""The list of what waits for a person."""

from typing import Any

from yikatong.aws.bureau_api.common import caller, new_router
from yikatong.aws.lake import S3Lake
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.use_cases.list_work import list_work

router = new_router()


@router.get("/v1/work-items")
def get_work() -> dict[str, Any]:
    made, who = wiring(), caller(router)
    quarantined = S3Lake(made.client("s3"), made.environment["BANK_BUCKET"]).keys("quarantine/")
    found = list_work(
        made.control,
        made.workflow,
        made.queues,
        quarantined,
        made.book,
        made.settings,
        committed_banks(),
        who,
        made.now(),
    )
    return {"work": [item.as_record() for item in found]}
