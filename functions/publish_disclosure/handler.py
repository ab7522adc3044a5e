"""Every night, and when somebody orders it: what was paid becomes what the public may see of it (公示)."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.metrics import count
from yikatong.aws.site import S3Site
from yikatong.aws.wiring import wiring
from yikatong.use_cases.publish_disclosure import publish_disclosure

logger = Logger(service="publish_disclosure")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w, code = wiring(), event.get("code")
    done = publish_disclosure(
        w.now().date(),
        control=w.control,
        lake=w.lake,
        site=S3Site(w.client("s3"), w.environment["SITE_BUCKET"]),
        book=w.book,
        settings=w.settings,
        only=frozenset({code}) if code else None,
    )
    count("AlteredClaims", len(done.altered))
    logger.info("disclosure published", subsidies=done.published, cells=done.cells, altered=list(done.altered))
    return {"subsidies": done.published, "cells": done.cells, "altered": len(done.altered)}
