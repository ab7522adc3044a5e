"""Fixtures many tests share."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

CLOUD_DATE = date(2023, 6, 1)


@pytest.fixture(scope="session")
def cloud() -> "Iterator[LocalCloud]":
    """The whole system on the local cloud, started once; its date begins on 2023-06-01. Mark the tests that use it
    `cloud`."""
    from infra.local.cloud import LocalCloud

    with LocalCloud(CLOUD_DATE) as running:
        yield running
