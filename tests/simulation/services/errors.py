"""Errors as botocore raises them: a `ClientError` with code and status, and the classes a client names in `exceptions`."""

from typing import Any

from botocore.exceptions import ClientError


def client_error(kind: type[ClientError], code: str, status: int, operation: str, **more: Any) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 3},
        **more,
    }
    return kind(response, operation)  # type: ignore[arg-type]


class ConditionalCheckFailedException(ClientError): ...


class TransactionCanceledException(ClientError): ...


class TransactionConflictException(ClientError): ...


class NoSuchKey(ClientError): ...


class ExecutionAlreadyExists(ClientError): ...


class ExecutionDoesNotExist(ClientError): ...


class TaskTimedOut(ClientError): ...


class TaskDoesNotExist(ClientError): ...


class InvalidToken(ClientError): ...


class ConflictException(ClientError): ...
