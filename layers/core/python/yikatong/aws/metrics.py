"""Numbers that raise an alarm (infra/alarms.py), each a line of CloudWatch's embedded metric format in the function's log.

All under one dimension, `service` = `payout`, whichever function counts: an alarm hangs on the number, not on the verb.
"""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "yikatong"
SERVICE = "payout"


def count(name: str, value: int) -> None:
    """Write one number down; never a key, never anything of a person. Zero says nothing and is not written."""
    if value == 0:
        return
    service = {"service": SERVICE}
    with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE, default_dimensions=service):
        pass
