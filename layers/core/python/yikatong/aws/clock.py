"""The present time in Asia/Shanghai: the machine's, or the local cloud's own where its address is given."""

import json
import urllib.request
from datetime import datetime

from yikatong.ports import SHANGHAI


def system_clock() -> datetime:
    return datetime.now(SHANGHAI)


def clock_at(url: str) -> datetime:
    """The local cloud's date is its own setting (DESIGN §4); its clock answers `{"now": ISO 8601}` at `{url}`."""
    with urllib.request.urlopen(url, timeout=5) as response:
        return datetime.fromisoformat(json.load(response)["now"]).astimezone(SHANGHAI)
