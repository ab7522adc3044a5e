"""The public API: the plan, the policy documents, and one's own payment records. Open to all.

The query is a POST: name and id number never stand in an address. An unknown person and a wrong name get the same empty
answer by the same way. Bodies are never logged; no polars here, the first query of the day must not wait for it.
"""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.lake import S3Lake
from yikatong.aws.problems import Problems
from yikatong.aws.wiring import wiring
from yikatong.plan import Plan
from yikatong.use_cases.query_records import RecordQuery, query_records

PUBLIC_CACHE = "public, max-age=300"

app = APIGatewayRestResolver(enable_validation=True)
logger = Logger(service="public_api")
Year = Annotated[int | None, Query(ge=2000, le=2100)]


def plan_of(year: int | None) -> Plan:
    """The plan asked for; the latest published one when no year is named."""
    book = wiring().book
    return book.plan(year if year is not None else book.years[-1])


@app.get("/v1/plan", cache_control=PUBLIC_CACHE)
def get_plan(year: Year = None) -> dict[str, Any]:
    plan = plan_of(year)
    return {"year": plan.year, "subsidies": [each.as_record() | {"code": each.code} for each in plan.subsidies]}


@app.get("/v1/policies", cache_control=PUBLIC_CACHE)
def get_policies(year: Year = None) -> dict[str, Any]:
    """Every subsidy with its published documents: objects under `policies/{code}/` of the site."""
    made, plan = wiring(), plan_of(year)
    published = S3Lake(made.client("s3"), made.environment["SITE_BUCKET"]).keys("policies/")
    return {
        "year": plan.year,
        "policies": [
            {
                "number": each.number,
                "code": each.code,
                "name": each.name,
                "departments": list(each.lead_departments),
                "documents": [f"/{key}" for key in published if key.startswith(f"policies/{each.code}/")],
            }
            for each in plan.subsidies
        ],
    }


@app.post("/v1/query")
def post_query(body: RecordQuery) -> dict[str, Any]:
    made = wiring()
    return {"records": query_records(made.records, made.record_secret, body)}


problems = Problems(app, logger)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return problems.resolve(event, context)
