"""Fixtures many tests share."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

CLOUD_DATE = date(2023, 6, 1)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the one local cloud runs in one process and in its order, however many processes there are."""
    for item in items:
        if item.get_closest_marker("cloud"):
            item.add_marker(pytest.mark.xdist_group("cloud"))


@pytest.fixture(scope="session")
def cloud() -> "Iterator[LocalCloud]":
    """The whole system on the local cloud, started once; its date begins on 2023-06-01. Mark the tests that use it
    `cloud`."""
    from infra.local.cloud import LocalCloud

    with LocalCloud(CLOUD_DATE) as running:
        yield running
