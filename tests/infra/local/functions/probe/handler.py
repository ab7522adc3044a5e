"""A function that does what its event says, so that a test can see the sandbox from inside."""

import os
import sys
import time
from pathlib import Path
from typing import Any

STARTED = time.time()


def handler(event: dict[str, Any], context: Any) -> Any:
    match event["do"]:
        case "echo":
            return {"said": event["say"], "pid": os.getpid()}
        case "sleep":
            if event.get("once") and (mark := Path(event["once"])).exists():
                return {"slept": False, "pid": os.getpid()}
            if event.get("once"):
                mark.write_text(str(os.getpid()))
            time.sleep(event["seconds"])
            return {"slept": True, "pid": os.getpid()}
        case "raise":
            raise LookupError("nobody is there")
        case "look":
            return {
                "environment": dict(os.environ),
                "path": sys.path,
                "remaining_ms": context.get_remaining_time_in_millis(),
                "arn": context.invoked_function_arn,
            }
        case "put":
            import boto3

            boto3.client("s3").put_object(Bucket=event["bucket"], Key=event["key"], Body=event["body"].encode())
            return {"put": event["key"]}
        case "import":
            __import__(event["module"])
            return {}
    raise ValueError(event["do"])
