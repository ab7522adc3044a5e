"""The deployed REST APIs, read back from moto: which method of which path calls which function, and who may."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from infra.local.clients import Clients


@dataclass(frozen=True)
class Route:
    """One method of one API resource."""

    api: str
    stage: str
    resource_id: str
    resource_path: str
    method: str
    authorization: str
    function_arn: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Match:
    """A request's route, with what its path told. `path` is without the mount, as on AWS it is without the stage."""

    route: Route
    path: str
    parameters: dict[str, str]


class Routes:
    """Every API under the first path segment it is mounted at, as a stage is on AWS: `/public/...`, `/bureau/...`."""

    def __init__(self, clients: Clients, mounts: dict[str, str]) -> None:
        self._mounts = {mount: list(_routes_of(clients, api)) for mount, api in mounts.items()}

    def find(self, method: str, path: str) -> Match | None:
        """Return the most exact match of a request path, or None: then API Gateway answers 403, not 404."""
        _, mount, *rest = path.split("/", 2)
        inner = "/" + (rest[0] if rest else "")
        candidates = [route for route in self._mounts.get(mount, []) if route.method in (method, "ANY")]
        for route in sorted(candidates, key=_exactness):
            if found := route.pattern.fullmatch(inner):
                return Match(route, inner, {name: unquote(value) for name, value in found.groupdict().items()})
        return None

    def knows(self, path: str) -> bool:
        """Whether a path belongs to an API at all, and not to the site."""
        return path.split("/", 2)[1] in self._mounts


def _routes_of(clients: Clients, api: str) -> list[Route]:
    apis = clients("apigateway")
    stage = apis.get_stages(restApiId=api)["item"][0]["stageName"]
    routes = []
    for resource in apis.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]:
        for method in resource.get("resourceMethods") or {}:
            described: dict[str, Any] = apis.get_method(restApiId=api, resourceId=resource["id"], httpMethod=method)
            integration = described.get("methodIntegration") or {}
            if integration.get("type") != "AWS_PROXY":
                raise ValueError(f"{resource['path']} {method}: the gateway serves Lambda proxy integrations only")
            arn = re.search(r"functions/(arn:[^/]+)/invocations", integration["uri"])
            assert arn, integration["uri"]
            routes.append(
                Route(
                    api=api,
                    stage=stage,
                    resource_id=resource["id"],
                    resource_path=resource["path"],
                    method=method,
                    authorization=described["authorizationType"],
                    function_arn=arn[1],
                    pattern=_pattern(resource["path"]),
                )
            )
    return routes


def _pattern(path: str) -> re.Pattern[str]:
    parts = []
    for segment in path.strip("/").split("/"):
        if greedy := re.fullmatch(r"\{(\w+)\+\}", segment):
            parts.append(f"(?P<{greedy[1]}>.+)")
        elif one := re.fullmatch(r"\{(\w+)\}", segment):
            parts.append(f"(?P<{one[1]}>[^/]+)")
        else:
            parts.append(re.escape(segment))
    return re.compile("/" + "/".join(parts))


def _exactness(route: Route) -> tuple[int, int, int]:
    """Fixed paths before `{name}` before `{proxy+}`; a named method before ANY."""
    path = route.resource_path
    return (path.count("+}"), path.count("{"), int(route.method == "ANY"))
