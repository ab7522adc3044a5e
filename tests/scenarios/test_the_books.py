"""The auditor on the running cloud: clean after a payout, whatever other scenarios did there before, and as its export is.

Last in the alphabet on purpose: the cloud is shared, and what was killed, stopped and resumed on it is audited too.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from auditor.audit import audit
from auditor.source import ExportFolder, Item
from cli.audit import running_source
from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, People, everybody, roster

pytestmark = pytest.mark.cloud

WHO = everybody()[:5]
SLOT = "2023-07"
"""Inside the window of June, and no other scenario's."""


@pytest.fixture(scope="module")
def batch_id(cloud: LocalCloud) -> str:
    """A small batch, paid."""
    cloud.clock.jump(date(2023, 6, 1))
    people = People(cloud)
    people.send_cards(everybody())
    paid = people.approved(roster(WHO, DAOLI, 2, SLOT), DAOLI, 2, "the-books.csv")
    people.order_run(2)
    cloud.settle(90)
    assert people.batch(paid)["state"] == "PUBLISHED"
    return paid


def test_everything_on_the_running_cloud_agrees_with_its_evidence(cloud: LocalCloud, batch_id: str) -> None:
    source = running_source(cloud.endpoints["gateway"])
    report = audit(source, record_key=(source.record_key() or "").encode())
    assert report.differences == ()
    assert report.with_bank
    run_id = People(cloud).batch(batch_id)["run_id"]
    assert audit(source, run_id=run_id).differences == ()


def test_the_cloud_over_its_address_and_its_export_are_the_same_to_the_auditor(
    cloud: LocalCloud, batch_id: str, tmp_path: Path
) -> None:
    running = running_source(cloud.endpoints["gateway"])
    cloud.export(tmp_path)
    kept = ExportFolder(tmp_path)
    for bucket in ("lake", "audit"):
        keys = running.keys(bucket, "")
        assert any(batch_id in key for key in keys)
        assert kept.keys(bucket, "") == keys
        assert all(running.read(bucket, key) == kept.read(bucket, key) for key in keys if batch_id in key)
    assert running.read("lake", "no/such/key") is None
    for table in ("control", "records"):
        assert _by_key(running.items(table)) == _by_key(kept.items(table))
    assert running.bank_books() == kept.bank_books()


def _by_key(items: Iterable[Item]) -> dict[tuple[str, str], Item]:
    return {(item["pk"], item["sk"]): item for item in items}
