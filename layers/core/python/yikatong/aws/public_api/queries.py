"""补贴查询: one's own payment records, by POST: name and id number never stand in an address. Bodies are never logged."""

from typing import cast

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from yikatong.aws.clock import system_clock
from yikatong.aws.public_api.answers import ChallengeAnswer, QueryAnswer, RecordRow, YearTotal
from yikatong.aws.public_api.common import new_router, personally
from yikatong.aws.public_api.visitors import visitor_address
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.use_cases.query_records import Gate, RecordQuery, query_records, require_admission, totals_of

router = new_router()


@router.get(
    "/v1/challenge", **personally("取一个小问题", ChallengeAnswer, "问题和它的编号，五分钟内有效，只能答一次", 404)
)
def get_challenge() -> ChallengeAnswer:
    challenge = wiring().challenge
    if challenge is None:
        raise Refusal("查询不需要回答问题。", "not_found")
    question = challenge.ask(system_clock())
    return ChallengeAnswer(challenge=question.token, question=question.text)


@router.post(
    "/v1/query",
    **personally("查本人的发放记录", QueryAnswer, "本人的记录；有一项不对即为空", 413, 415, 429),
)
def post_query(body: RecordQuery) -> QueryAnswer:
    made, event = wiring(), cast(APIGatewayProxyEvent, router.current_event)
    secret = made.record_secret
    gate = Gate(secret, made.limits, made.attempts.count, made.challenge)
    require_admission(gate, body, visitor_address(event), system_clock())
    found = query_records(made.records, secret, body)
    return QueryAnswer(
        records=[RecordRow.model_validate(each) for each in found],
        totals=[YearTotal.model_validate(each) for each in totals_of(found)],
        correlation_id=event.request_context.request_id,
    )
