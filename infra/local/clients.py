"""boto3 clients that speak to the local cloud, and to nothing else."""

import threading
from typing import Any

import boto3
from botocore.config import Config

LOCAL_ACCESS_KEY = "AKIALOCALOPERATOR000"
LOCAL_SECRET_KEY = "local-operator-secret"


class Clients:
    """One client per service, made once: building one costs more than a hundred calls, and building is not thread
    safe."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._session: Any = boto3.session.Session(
            aws_access_key_id=LOCAL_ACCESS_KEY, aws_secret_access_key=LOCAL_SECRET_KEY, region_name=region
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._identity: tuple[str, str] | None = None

    def __call__(self, service: str) -> Any:
        """Return the client of a service (`Any`: the types of some thirty services would cost more than they find
        here)."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self.endpoint,
                    config=Config(max_pool_connections=50, read_timeout=900, retries={"max_attempts": 1}),
                )
            return self._clients[service]

    @property
    def account(self) -> str:
        """The account id, as STS tells it."""
        return self._who()[0]

    @property
    def partition(self) -> str:
        """The partition of the region, read off a real ARN: nobody writes `aws` or `aws-cn` by hand."""
        return self._who()[1]

    @property
    def dns_suffix(self) -> str:
        """What host names of the partition's services end with."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def arn(self, service: str, resource: str) -> str:
        """Build the ARN of a thing whose creation call does not return one."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def _who(self) -> tuple[str, str]:
        if self._identity is None:
            answer = self("sts").get_caller_identity()
            self._identity = (answer["Account"], answer["Arn"].split(":")[1])
        return self._identity
