"""A local cloud comes and goes as one thing: nothing outlives it, and two do not meet."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

pytestmark = pytest.mark.cloud
UP = "import sys; from cli.local import app; app(['up', *sys.argv[1:]])"


@contextmanager
def _up(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run `yikatong local up` and give the process and its gateway's address."""
    process = subprocess.Popen(
        [sys.executable, "-c", UP, *options], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("export YIKATONG_ENDPOINT="):
                yield process, line.split("=", 1)[1].strip()
                break
        else:
            pytest.fail(f"the local cloud did not come up: exit code {process.wait()}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _family(root: int) -> set[int]:
    """The process and everything that descends from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _running(pids: set[int]) -> set[int]:
    alive = set()
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                alive.add(pid)
        except OSError:
            continue
    return alive


def _all_gone(pids: set[int], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while _running(pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_local_cloud(number: signal.Signals) -> None:
    with _up() as (process, endpoint):
        about = httpx.get(f"{endpoint}/_local").json()
        httpx.post(f"{endpoint}/_local/warm", json=["start_run", "public_api"], timeout=60).raise_for_status()
        family = _family(process.pid)
        assert len(family) >= 4, "the cloud, its bank, two workers"
        os.kill(process.pid, number)
        assert _all_gone(family, within_s=10), "something still runs"
        if number == signal.SIGKILL:
            shutil.rmtree(Path(about["logs"]).parent)  # nobody was left to do it
        else:
            assert process.wait() == 0
            assert not Path(about["logs"]).exists(), "the temporary folder is left"


def test_a_process_holds_one_local_cloud(cloud: "LocalCloud") -> None:
    from infra.local.cloud import LocalCloud

    with pytest.raises(RuntimeError, match="holds a local cloud already"), LocalCloud(cloud.as_of):
        pass
    assert cloud.client("s3").list_buckets()["Buckets"], "the first one goes on"


def test_two_local_clouds_run_side_by_side(tmp_path: Path) -> None:
    with _up("--as-of", "2023-06-12") as (_, first), _up("--as-of", "2023-08-01") as (_, second):
        assert first != second
        told = [httpx.get(f"{endpoint}/_local").json() for endpoint in (first, second)]
        assert [about["now"][:10] for about in told] == ["2023-06-12", "2023-08-01"]
        assert told[0]["logs"] != told[1]["logs"]
        folders = [tmp_path / "first", tmp_path / "second"]
        import boto3

        for number, about in enumerate(told):
            s3 = boto3.client(
                "s3",
                endpoint_url=about["endpoints"]["aws"],
                region_name=about["region"],
                aws_access_key_id="a",
                aws_secret_access_key="b",
            )
            s3.put_object(Bucket=about["resources"]["buckets"]["reports"], Key=f"{number}/一.txt", Body=b"x")
        for endpoint, folder in zip((first, second), folders, strict=True):
            command = "import sys; from cli.local import app; app(['export', *sys.argv[1:]])"
            subprocess.run([sys.executable, "-c", command, str(folder), "--endpoint", endpoint], check=True)
        for number, (about, folder) in enumerate(zip(told, folders, strict=True)):
            bucket = folder / "buckets" / about["resources"]["buckets"]["reports"]
            assert [str(p.relative_to(bucket)) for p in bucket.rglob("*.txt")] == [f"{number}/一.txt"]
            items = (folder / "tables" / f"{about['resources']['tables']['control']}.jsonl").read_text().splitlines()
            assert {json.loads(item)["pk"] for item in items} >= {"PRINCIPAL#harbin-clerk", "PRINCIPAL#harbin-approver"}
            assert json.loads((folder / "bank" / "book.json").read_text())["bank_id"] == "agent-bank"
