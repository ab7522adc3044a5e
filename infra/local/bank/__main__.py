"""`python -m infra.local.bank`: prints `{"port": N}` when ready.

It ends on SIGTERM, or when its stdin closes: its parent died, and nobody else would end it.
"""

import argparse
import json
import os
import signal
import sys
import threading
from datetime import date
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from infra.local.bank.bank import Bank
from infra.local.bank.delivery import Delivery
from infra.local.bank.server import BankServer

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def main() -> None:
    """Play the bank until told to stop."""
    options = _options()
    delivery = Delivery(_s3(options.s3_endpoint, options.region), options.bucket, options.bank_id)
    bank = Bank(options.bank_id, options.today, options.seed, options.deduplicates, delivery.put)
    if options.rates:
        bank.change_script({"rates": json.loads(options.rates)})
    server = BankServer(options.port, bank, delivery, options.token)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    threading.Thread(target=_stop_when_orphaned, args=(server,), daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.05)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.bank", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--today", type=date.fromisoformat, required=True, help="the date the bank starts on")
    parser.add_argument("--s3-endpoint", required=True)
    parser.add_argument("--bucket", required=True, help="the bank exchange bucket")
    parser.add_argument("--region", default="cn-north-1")
    parser.add_argument("--bank-id", default="agent-bank")
    parser.add_argument("--deduplicates", action="store_true", help="pay one message id once")
    parser.add_argument("--rates", default="", help='JSON, as in POST /script: {"reject": 0.02}')
    parser.add_argument("--token", required=True)
    return parser.parse_args()


def _s3(endpoint: str, region: str) -> "S3Client":
    # A local cloud takes any credentials; where it checks them, the environment holds them.
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        # By path: a bucket's name in front of `localhost` resolves nowhere. No retries: `delivery` has its own.
        config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30, retries={"max_attempts": 0}),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "bank"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "bank"),
    )


def _stop_when_orphaned(server: BankServer) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.stop()


if __name__ == "__main__":
    main()
