"""The site on the session's local cloud, with people who were paid, and one browser to visit it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.cloud import LocalCloud
from tests.site.browser import Browser, why_not
from tests.site.facts import prepare


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Without Node or Chromium it is said aloud, and fails in CI."""
    missing = why_not()
    if missing is not None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with Browser() as running:
        yield running


@pytest.fixture(scope="session")
def facts(browser: Browser, cloud: LocalCloud) -> dict[str, Any]:  # noqa: ARG001 - nobody is paid for stories nobody plays
    """What the stories need to know of the site they visit; see `tests.site.facts`."""
    return prepare(cloud)
