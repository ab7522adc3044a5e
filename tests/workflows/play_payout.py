"""Play the payout workflow on moto with scripted functions, and print what was called.

A process of its own, because moto is asked to run workflows and its Lambda is replaced, which no other test should see.
Each batch's id is its story. The real functions run in the scenarios; here it is the ASL file that is under test.
"""

import json
import os
import socket
import sys
import threading
import time
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from infra.functions import PAYOUT_STEPS
from tests.workflows.rendered import rendered

STORIES = ("answered", "short", "withdrawn", "silent", "late", "crashing", "flaky")
CAUSES = ("sched", "empty", "unbalanced", "unopened")
LAKE, RUN = "lake", {"run_id": "r", "plan_year": 2023, "code": "c", "mode": "formal", "as_of": "2023-06-12"}
DEADLINE_S = 90


class Scripted:
    """The functions, as told by the batches' stories; every call is kept."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[dict[str, Any]] = []

    def __call__(self, verb: str, event: dict[str, Any]) -> dict[str, Any]:
        story = event.get("batch_id", event.get("cause"))
        self.calls.append({"verb": verb, "story": story, "keys": sorted(event), "attempt": event.get("attempt")})
        times = sum(call["verb"] == verb and call["story"] == story for call in self.calls)
        if (verb, story) in {("instruct_bank", "crashing"), ("close_run", "unbalanced"), ("open_run", "unopened")}:
            raise RuntimeError("张三 230102199001011234")
        if (verb, story, times) == ("settle_batch", "flaky", 1):
            raise RuntimeError("a worker died")
        if verb == "open_run":
            count = len(STORIES) if story == "sched" else 0
            return {"lake_bucket": LAKE, "batches_key": "runs/r/batches.json", "batch_count": count}
        if verb == "reserve_funds":
            return {"outcome": "short" if story == "short" else "reserved"}
        if verb == "instruct_bank":
            return {"outcome": "skipped" if story == "withdrawn" else "instructed"}
        if verb == "await_receipts" and story in ("answered", "flaky"):
            answer = {"taskToken": event["task_token"], "output": '{"batch_id": "x"}'}
            threading.Timer(0.2, lambda: self.client.send_task_success(**answer)).start()
        if verb == "enquire_bank":
            return {"outcome": "answered" if story == "late" and event["attempt"] == 2 else "waiting"}
        return {}


def main() -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {
        "MOTO_PORT": str(port),  # or Step Functions calls port 5000 (FACTS)
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "cn-north-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    import boto3
    from moto.awslambda.models import LambdaFunction
    from moto.core.config import default_user_config
    from moto.server import ThreadedMotoServer

    default_user_config["stepfunctions"]["execute_state_machine"] = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    clients: dict[str, Any] = {
        name: boto3.client(name) for name in ("s3", "dynamodb", "iam", "lambda", "stepfunctions")
    }
    scripted = Scripted(clients["stepfunctions"])

    def invoke(function: Any, event: Any) -> tuple[str, bool, str]:
        try:
            return json.dumps(scripted(function.function_name, event)), False, ""
        except RuntimeError as error:
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}), True, ""

    setattr(LambdaFunction, "_invoke_lambda", invoke)  # noqa: B010 (mypy knows it is a method)
    machine = deploy(clients)
    started = {cause: start(clients["stepfunctions"], machine, cause) for cause in CAUSES}
    executions = {cause: status_at_the_end(clients["stepfunctions"], arn) for cause, arn in started.items()}
    items = clients["dynamodb"].scan(TableName="control")["Items"]
    return {"executions": executions, "calls": scripted.calls, "control": {item["sk"]["S"]: item for item in items}}


def deploy(clients: dict[str, Any]) -> str:
    """The state machine's ARN, with everything it touches."""
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    clients["dynamodb"].create_table(
        TableName="control",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
    )
    items = [{"run_id": "r", "code": "c", "batch_id": s, "pk": "BATCHES#c#formal", "sk": s} for s in STORIES]
    for item in items:
        clients["dynamodb"].put_item(TableName="control", Item={key: {"S": item[key]} for key in ("pk", "sk")})
    clients["s3"].create_bucket(Bucket=LAKE, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
    clients["s3"].put_object(Bucket=LAKE, Key="runs/r/batches.json", Body=json.dumps(items).encode())
    anyone = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    role = clients["iam"].create_role(RoleName="any", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    package = BytesIO()
    with ZipFile(package, "w") as archive:
        archive.writestr("handler.py", "")
    arns = {
        verb: clients["lambda"].create_function(
            FunctionName=verb,
            Runtime="python3.13",
            Role=role,
            Handler="handler.handler",
            Code={"ZipFile": package.getvalue()},
        )["FunctionArn"]
        for verb in PAYOUT_STEPS
    }
    definition = rendered(arns, receipt_timeout_s=2, enquiry_wait_s=1, enquiry_attempts=3)
    machine = clients["stepfunctions"].create_state_machine(name="payout", definition=definition, roleArn=role)
    arn: str = machine["stateMachineArn"]
    return arn


def start(client: Any, machine: str, cause: str) -> str:
    order = json.dumps(RUN | {"cause": cause})
    arn: str = client.start_execution(stateMachineArn=machine, name=f"r-{cause}", input=order)["executionArn"]
    return arn


def status_at_the_end(client: Any, execution: str) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        status: str = client.describe_execution(executionArn=execution)["status"]
        if status != "RUNNING":
            return status
        time.sleep(0.1)
    return "STILL RUNNING"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
    sys.stdout.flush()
    os._exit(0)  # moto's own threads do not end by themselves
