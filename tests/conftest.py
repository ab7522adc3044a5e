"""Fixtures many tests share."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

CLOUD_DATE = date(2023, 6, 1)
ON_THE_CLOUD = ("tests/faults/", "tests/infra/local/", "tests/scenarios/", "tests/site/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("cloud"):
            assert item.nodeid.startswith(ON_THE_CLOUD), f"{item.nodeid}: what uses the cloud lies in {ON_THE_CLOUD}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`make test` has two processes: whatever uses the one local cloud runs in one of them and in its order, everything else
    file by file. By folder, and not by pytest-xdist's own groups: version 3.8 writes them where pytest 9 no longer looks."""
    from xdist.scheduler import LoadScopeScheduling

    class CloudInOneProcess(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "the local cloud" if nodeid.startswith(ON_THE_CLOUD) else nodeid.split("::", 1)[0]

    return CloudInOneProcess(config, log)


@pytest.fixture(scope="session")
def cloud() -> "Iterator[LocalCloud]":
    """The whole system on the local cloud, started once; its date begins on 2023-06-01. Mark the tests that use it
    `cloud`."""
    from infra.local.cloud import LocalCloud

    with LocalCloud(CLOUD_DATE) as running:
        yield running
