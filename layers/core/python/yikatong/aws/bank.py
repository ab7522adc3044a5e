"""The bank over HTTPS (docs/architecture.md, "The bank over HTTP")."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

from yikatong.ports import BankSilence

TIMEOUT_S = 30
"""A message of 5,000 lines is acknowledged in well under this; past it the outcome is unknown, never failed."""


class HttpBank:
    """Implements `yikatong.ports.Bank`. Redirects and retries are off: a request leaves at most once."""

    def __init__(self, endpoints: Mapping[str, str], token_of: Callable[[str], str]) -> None:
        self._endpoints = endpoints
        self._token_of = token_of

    def prepare(self, bank_id: str) -> None:
        if bank_id not in self._endpoints or not self._token_of(bank_id):
            raise LookupError(f"no address or token for bank {bank_id} in this deployment")

    def send(self, bank_id: str, message: bytes, *, trial: bool) -> None:
        self._call(bank_id, "POST", "/v1/trial/payments" if trial else "/v1/payments", message)

    def enquire(self, bank_id: str, message_id: str) -> bytes | None:
        return self._call(bank_id, "GET", f"/v1/messages/{message_id}", None)

    def _call(self, bank_id: str, method: str, path: str, body: bytes | None) -> bytes | None:
        request = urllib.request.Request(self._endpoints[bank_id] + path, data=body, method=method)
        request.add_header("Authorization", f"Bearer {self._token_of(bank_id)}")
        request.add_header("Content-Type", "application/xml")
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            if method == "GET" and error.code == 404:
                return None
            raise BankSilence(f"{bank_id} answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise BankSilence(f"{bank_id}: {type(error).__name__}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None
