"""Where the disclosure (公示) stands on the site, and the form of its documents; light, for whoever only reads it."""

import json
from typing import Any

FOLDER = "published/disclosure"
LIST, AGGREGATE = "list", "aggregate"

Document = dict[str, Any]


def encode(document: Any) -> bytes:
    """The one form of a public document: the same content is the same bytes."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def year_index_key(plan_year: int) -> str:
    return f"{FOLDER}/{plan_year}/index.json"


def folder_of(plan_year: int, code: str) -> str:
    return f"{FOLDER}/{plan_year}/{code}"


def index_key(plan_year: int, code: str) -> str:
    return f"{folder_of(plan_year, code)}/index.json"


def key_of(href: str) -> str:
    """The object behind a public address."""
    return href.removeprefix("/")
