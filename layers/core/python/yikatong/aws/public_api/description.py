"""The public API described by itself: OpenAPI, generated from its routes and types, committed as docs/openapi.json."""

import json
import re
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

VERSION = "1"
_ABOUT = (
    "惠民惠农财政补贴“一卡通”公共服务专区的接口：补贴政策、发放日历、公示，以及凭姓名和身份证号查本人的发放记录。"
    "公开的内容可缓存；个人的内容不得缓存。凡不能照办的请求，一律以 RFC 9457 的问题说明（application/problem+json）作答。"
)


def describe(app: APIGatewayRestResolver) -> dict[str, Any]:
    """The OpenAPI document of the application, without what Powertools adds that is not so."""
    described: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(title="一卡通公共服务专区", version=VERSION, description=_ABOUT)
    )
    described["servers"] = [{"url": "/public", "description": "与网站同一地址；接口另有地址的，见网站的 config.json"}]
    for operations in described["paths"].values():
        for operation in operations.values():
            _tidy(operation)
    schemas = described["components"]["schemas"]
    while unused := set(schemas) - set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described))):
        for name in unused:
            del schemas[name]
    return described


def as_text(described: dict[str, Any]) -> str:
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def _tidy(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        # A parameter is left out, never null.
        for choice in schema.pop("anyOf", []):
            if choice != {"type": "null"}:
                schema |= choice
        for bound in ("minimum", "maximum"):
            if bound in schema:
                schema[bound] = int(schema[bound])
        del schema["title"], schema["description"]
    # Powertools writes its own 500 over ours, though ours is what is answered.
    problem = next(answer for status, answer in operation["responses"].items() if status in ("404", "422"))
    operation["responses"]["500"] = problem | {"description": "系统故障"}
    operation["responses"] = dict(sorted(operation["responses"].items()))
