"""What people do on the local cloud, each under their own name through the gateway, and where to look afterwards."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from cli import api
from infra.local.cloud import LocalCloud
from yikatong.plan import PlanBook, Settings
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import cards_csv, make_sample

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
DAOLI, NANGANG, LONGSHA = "230102", "230103", "230202"
OFFICES = {"2301": "harbin", "2302": "qiqihar"}
_deserializer = TypeDeserializer()


@cache
def everybody() -> tuple[Person, ...]:
    """All the people these scenarios pay; none of another test's."""
    return tuple(invent_people(120, region=DAOLI, seed=20230612, on=date(2023, 1, 1)))


def roster(who: Sequence[Person], region: str, number: int, slot: str, seed: int = 1) -> bytes:
    subsidy = BOOK.subsidy(2023, number)
    sample = make_sample(
        subsidy=subsidy,
        settings=SETTINGS.for_subsidy(subsidy.code),
        region=region,
        rows=len(who),
        slots=[slot],
        seed=seed,
        include=who,
    )
    return sample.roster_csv()


class People:
    """The bureaus' people at work on one cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.endpoint = cloud.endpoints["gateway"]

    def as_(self, name: str, method: str, path: str, body: Any = None, **query: str) -> Any:
        return api.call_bureau(self.endpoint, name, method, path, body, query)

    def send_cards(self, who: Sequence[Person]) -> None:
        bucket = self.cloud.resources["buckets"]["card_drop"]
        self.cloud.client("s3").put_object(Bucket=bucket, Key="cards-20230101.csv", Body=cards_csv(who))
        self.cloud.settle()

    def upload(self, data: bytes, region: str, number: int, name: str, mode: str = "formal") -> str:
        """The clerk asks for an upload and sends the file; its object key."""
        request = {"plan_year": 2023, "number": number, "region": region, "file_name": name, "mode": mode}
        grant = self.as_(f"{OFFICES[region[:4]]}-clerk", "POST", "/v1/uploads", request)
        api.put_file(grant["url"], grant["headers"], data)
        key: str = grant["key"]
        return key

    def batch_of(self, object_key: str, region: str, mode: str = "formal") -> dict[str, Any]:
        found = self.as_(f"{OFFICES[region[:4]]}-clerk", "GET", "/v1/batches", region=region)["batches"]
        (batch,) = [batch for batch in found if (batch["object_key"], batch["mode"]) == (object_key, mode)]
        return dict(batch)

    def approve(self, batch: dict[str, Any]) -> dict[str, Any]:
        words = {name: batch[name] for name in ("sha256", "object_version", "payable", "held")}
        approver = f"{OFFICES[batch['region'][:4]]}-approver"
        return dict(self.as_(approver, "POST", f"/v1/batches/{batch['batch_id']}/approval", words))

    def approved(self, data: bytes, region: str, number: int, name: str, mode: str = "formal") -> str:
        """Upload, wait for the validation, approve; the batch's id."""
        key = self.upload(data, region, number, name, mode)
        self.cloud.settle()
        return str(self.approve(self.batch_of(key, region, mode))["batch_id"])

    def order_run(self, number: int, mode: str = "formal") -> str:
        request = {"plan_year": 2023, "number": number, "mode": mode}
        return str(self.as_("province-operator", "POST", "/v1/runs", request)["run_id"])

    def batch(self, batch_id: str) -> dict[str, Any]:
        return dict(self.as_("province-auditor", "GET", f"/v1/batches/{batch_id}"))

    def run(self, run_id: str) -> dict[str, Any]:
        return dict(self.as_("province-auditor", "GET", f"/v1/runs/{run_id}"))

    def query(self, person: Person) -> list[dict[str, Any]]:
        body = {"name": person.name, "id_number": person.id_number}
        return list(api.call_public(self.endpoint, "POST", "/v1/query", body)["records"])

    # --- looking behind the counter ---------------------------------------------------------------------------------------

    @property
    def book(self) -> dict[str, Any]:
        return dict(self.cloud.bank.call("GET", "/book"))

    def script(self, **wanted: Any) -> None:
        self.cloud.bank.call("POST", "/script", wanted)

    def credited(self, who: Iterable[Person]) -> dict[str, int]:
        """How often each of these people's accounts was credited, by the bank's own book."""
        times = {person.account: 0 for person in who}
        for entry in self.book["payments"].values():
            if entry["account"] in times:
                times[entry["account"]] += entry["credited_times"]
        return times

    def assert_paid_once(self, who: Sequence[Person]) -> None:
        """Each of these people's accounts was credited once; if not, say what the run, its batches and its workers say."""
        times = self.credited(who)
        if set(times.values()) != {1}:
            raise AssertionError(f"credited {sorted(times.values())}\n{self.state_of_affairs()}")

    def state_of_affairs(self) -> str:
        """Runs and batches as the table has them, executions with their failures, and what workers logged as errors."""
        told = [
            str({word: item[word] for word in ("sk", "state", "note", "run_id", "carried", "line") if item.get(word)})
            for item in self.table("control")
            if str(item["pk"]).startswith(("RUNS#", "BATCHES#"))
        ]
        machines = self.cloud.client("stepfunctions")
        for execution in self.executions():
            about = machines.describe_execution(executionArn=execution["executionArn"])
            told.append(" ".join(str(about.get(word, "")) for word in ("name", "status", "error", "cause")))
        for log in sorted(self.cloud.log_folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()
            told += [f"{log.name}: {line[:2000]}" for line in lines if "ERROR" in line or "Traceback" in line][-5:]
        return "\n".join(told)

    def table(self, name: str) -> list[dict[str, Any]]:
        pages = (
            self.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self.cloud.resources["tables"][name])
        )
        return [
            {key: _deserializer.deserialize(value) for key, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]

    def run_state(self, run_id: str) -> str:
        """Straight from the table: an API call takes longer than a step."""
        key = {"pk": {"S": f"RUNS#{run_id.rsplit('-', 3)[0]}"}, "sk": {"S": run_id}}
        found = self.cloud.client("dynamodb").get_item(
            TableName=self.cloud.resources["tables"]["control"], Key=key, ConsistentRead=True
        )
        return str(found["Item"]["state"]["S"]) if "Item" in found else ""

    def executions(self) -> list[dict[str, Any]]:
        machines = self.cloud.client("stepfunctions")
        arn = self.cloud.resources["state_machine_arn"]
        return list(machines.list_executions(stateMachineArn=arn)["executions"])

    def histories(self) -> str:
        """Everything Step Functions shows of every execution."""
        machines = self.cloud.client("stepfunctions")
        told = []
        for execution in self.executions():
            about = machines.describe_execution(executionArn=execution["executionArn"])
            events = machines.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)["events"]
            told.append(json.dumps([about, events], default=str, ensure_ascii=False))
        return "\n".join(told)


def wait_for(condition: Callable[[], bool], timeout_s: float = 20, pause_s: float = 0.002) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("what was waited for did not happen")
        time.sleep(pause_s)
