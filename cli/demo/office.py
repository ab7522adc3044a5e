"""The people of the demo: clerks, approvers, a department and an operator, each acting through the bureau API."""

import json
from typing import Any

from cli import api
from infra.local.cloud import LocalCloud
from yikatong.roster.sample import Sample

DEPARTMENT, OPERATOR = "province-department", "province-operator"


class Office:
    """Acts on one running local cloud, over its gateway, as the people it knows."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.endpoint = cloud.endpoints["gateway"]

    def call(self, name: str, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        return api.call_bureau(self.endpoint, name, method, path, body, query)

    def drop_cards(self, samples: list[Sample]) -> int:
        """Send one registry snapshot holding everybody of these samples; returns how many cards it names."""
        from yikatong.roster.sample import cards_csv

        people = {person.id_number: person for sample in samples for person in sample.people}
        bucket = self.cloud.resources["buckets"]["card_drop"]
        self.cloud.client("s3").put_object(
            Bucket=bucket, Key="社会保障卡持卡信息-20230101.csv", Body=cards_csv(list(people.values()))
        )
        self.cloud.settle()
        return len(people)

    def send(self, city: str, number: int, region: str, file_name: str, data: bytes, mode: str = "formal") -> None:
        """The city's clerk asks for an upload and puts the file there."""
        wanted = {"plan_year": 2023, "number": number, "region": region, "file_name": file_name, "mode": mode}
        upload = self.call(f"{city}-clerk", "POST", "/v1/uploads", wanted)
        api.put_file(upload["url"], upload["headers"], data)

    def batches(self) -> list[dict[str, Any]]:
        """Every batch of the province, oldest first."""
        found: list[dict[str, Any]] = self.call(OPERATOR, "GET", "/v1/batches", query={"region": "230000"})["batches"]
        return sorted(found, key=lambda batch: (batch["received_at"], batch["batch_id"]))

    def approve_waiting(self, city_of: dict[str, str]) -> int:
        """Every city's approver approves exactly what was validated there; returns how many batches."""
        waiting = [batch for batch in self.batches() if batch["state"] == "VALIDATED"]
        for batch in waiting:
            words = {name: batch[name] for name in ("sha256", "object_version", "payable", "held")}
            approver = f"{city_of[batch['region']]}-approver"
            self.call(approver, "POST", f"/v1/batches/{batch['batch_id']}/approval", words)
        self.cloud.settle(timeout_s=120)
        return len(waiting)

    def report(self, batch_id: str) -> dict[str, Any]:
        """The validation report the bureau gets for a batch, as data."""
        bucket = self.cloud.resources["buckets"]["reports"]
        found = self.cloud.client("s3").get_object(Bucket=bucket, Key=f"{batch_id}/findings.json")
        report: dict[str, Any] = json.load(found["Body"])
        return report

    def query(self, name: str, id_number: str) -> dict[str, Any]:
        """What the public query shows this person: `records` and `totals`."""
        body = {"name": name, "id_number": id_number}
        answer: dict[str, Any] = api.call_public(self.endpoint, "POST", "/v1/query", body)
        return answer
