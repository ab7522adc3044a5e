"""One recorded deployment, shared: the program is the same for every question asked of it."""

import pytest

from tests.infra.recorder import Recorder, deployed


def pytest_configure(config: pytest.Config) -> None:
    # pulumi_aws warns of its own old names while it is imported; nothing of ours uses them.
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:pulumi_aws.*")


@pytest.fixture(scope="session")
def stack() -> Recorder:
    return deployed()


@pytest.fixture(scope="session")
def local_stack() -> Recorder:
    """As the local cloud deploys it: without the Denies that moto applies to everyone."""
    return deployed(strict_bucket_policies=False)
