"""Every call of a function to the outside passes here: others may act before it, and it may meet with a fault."""

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.services import errors
from tests.simulation.stage import WorkerDied

if TYPE_CHECKING:
    from tests.simulation.platform import Platform

OTHER_VERSION = "seen_by_the_next_release"
"""An attribute that only the other version of the code knows: this one must carry it along unharmed."""


class Gate:
    """A boto3 client with the history's faults in front of it."""

    def __init__(self, platform: "Platform", service: str, client: Any) -> None:
        self._platform = platform
        self._service = service
        self._client = client
        self.exceptions = getattr(client, "exceptions", None)

    def __getattr__(self, operation: str) -> Any:
        effect = getattr(self._client, operation)

        def call(**request: Any) -> Any:
            return self._platform.call(
                f"{self._service}.{operation}", subject(request), lambda: self._special(operation, effect, request)
            )

        return call

    def generate_presigned_url(self, operation: str, **request: Any) -> Any:
        """Signed on the spot: no call leaves the worker."""
        return self._client.generate_presigned_url(operation, **request)

    def get_paginator(self, operation: str) -> Any:
        return _Paginator(self._platform, f"{self._service}.{operation}", self._client.get_paginator(operation))

    def _special(self, operation: str, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
        worker = self._platform.stage.worker
        match operation:
            case "put_item" if worker is not None and worker.version:
                request = _of_other_version(request)
            case "transact_write_items" if worker is not None and worker.version:
                request = {
                    "TransactItems": [{"Put": _of_other_version(one["Put"])} for one in request["TransactItems"]]
                }
            case "put_object" if request.get("IfNoneMatch") and self._breaks("conditional put meets another"):
                raise errors.client_error(ClientError, "ConditionalRequestConflict", 409, "PutObject")
            case "batch_write_item" if self._breaks("unprocessed items"):
                return self._some(effect, request)
            case "put_events" if self._breaks("event not taken"):
                return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalException"}]}
        return effect(**request)

    def _breaks(self, kind: str) -> bool:
        strikes, worker = self._platform.faults.strikes(kind), self._platform.stage.worker
        if strikes and worker is not None:
            worker.broken = True
        return strikes

    def _some(self, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
        """The table takes only some of the items, perhaps none."""
        ((table, puts),) = request["RequestItems"].items()
        taken = self._platform.chance.randrange(len(puts))
        if taken:
            effect(RequestItems={table: puts[:taken]})
        return {"UnprocessedItems": {table: puts[taken:]}}

    def invoke(self, *, FunctionName: str, Payload: str) -> Any:
        """A function that another one calls, and waits for: here it runs in the same worker."""
        try:
            answer = self._platform.call("lambda.invoke", FunctionName, lambda: None) or {}
            answer = self._platform.functions.handle(FunctionName, json.loads(Payload))
        except Exception as error:  # noqa: BLE001  # as Lambda answers it
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps({"errorType": type(error).__name__}).encode()),
            }
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class _Paginator:
    def __init__(self, platform: "Platform", name: str, paginator: Any) -> None:
        self._platform, self._name, self._paginator = platform, name, paginator

    def paginate(self, **request: Any) -> Iterator[Any]:
        about = subject(request)
        pages = self._platform.call(self._name, about, lambda: list(self._paginator.paginate(**request)))
        for ordinal, page in enumerate(pages):
            yield self._platform.call(self._name, about, lambda page=page: page) if ordinal else page


def _of_other_version(put: dict[str, Any]) -> dict[str, Any]:
    return put | {"Item": put["Item"] | {OTHER_VERSION: {"N": "1"}}}


def befall(fault: str, effect: Callable[[], Any], name: str) -> Any:
    """Play one call with its fault, or none."""
    match fault:
        case "crash before a call":
            raise WorkerDied(f"before {name}")
        case "throttled":
            raise errors.client_error(ClientError, "ThrottlingException", 400, name)
    result = effect()
    match fault:
        case "crash after a call":
            raise WorkerDied(f"after {name}")
        case "lost answer":
            raise ReadTimeoutError(endpoint_url=name)
        case "resent by the client" if (
            not name.startswith(("lambda.", "bank.")) and "list" not in name and "query" not in name
        ):
            return effect()
    return result


def subject(request: dict[str, Any]) -> str:
    """What a call is about, for the story: keys and versions, nobody's rows."""
    if "TransactItems" in request:
        return " + ".join(_of_put(action["Put"]) for action in request["TransactItems"])
    if "Item" in request:
        return _of_put(request)
    if "RequestItems" in request:
        return f"{sum(map(len, request['RequestItems'].values()))} records"
    if "Key" in request:
        key = request["Key"]
        return key if isinstance(key, str) else f"{key['pk']['S']} {key['sk']['S']}"
    if "ExpressionAttributeValues" in request:
        return " ".join(value["S"] for value in request["ExpressionAttributeValues"].values())
    for name in ("Prefix", "name", "executionArn", "taskToken", "Name"):
        if name in request:
            return str(request[name]).rsplit(":", 1)[-1]
    return ""


def _of_put(put: dict[str, Any]) -> str:
    item = put["Item"]
    state = f" {item['state']['S']}" if "state" in item else ""
    return f"{item['pk']['S']} {item['sk']['S']} v{item.get('version', {'N': '?'})['N']}{state}"
