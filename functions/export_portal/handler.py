"""Every night after the disclosure, and when somebody orders it: what is public, as an export for the official portal."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.site import S3Site
from yikatong.aws.wiring import wiring
from yikatong.use_cases.export_portal import export_portal

logger = Logger(service="export_portal")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    export = export_portal(
        event.get("kind"),
        w.now(),
        site=S3Site(w.client("s3"), w.environment["SITE_BUCKET"]),
        portal=S3Site(w.client("s3"), w.environment["PORTAL_BUCKET"]),
        book=w.book,
    )
    logger.info("portal exported", export=export)
    return {"export": export}
