"""Where this stack stands: its names and its ARNs, said once.

No ARN is ever written with its partition by hand: China's is `aws-cn`, the local cloud's follows its region (FACTS).
ARNs of things that point at each other in a circle (`start_run` creates schedules that invoke `start_run`; `payout`
invokes functions that answer `payout`) are built here from their names, so neither has to be created before the
other.
"""

from dataclasses import dataclass

import pulumi_aws as aws

from infra.settings import SiteHosting, StackSettings


@dataclass(frozen=True)
class Context:
    """The account, region and stage a stack is deployed to, and the settings every component shares."""

    stage: str
    partition: str
    dns_suffix: str  # amazonaws.com, and .cn in China
    region: str
    account_id: str
    strict_bucket_policies: bool
    protect: bool
    log_retention_days: int
    audit_retention_days: int
    redelivery_s: int | None
    site_hosting: SiteHosting

    @classmethod
    def current(cls, settings: StackSettings) -> "Context":
        """Ask the provider where we are; the region comes from the stack's `aws:region`."""
        partition = aws.get_partition()
        return cls(
            stage=settings.stage,
            partition=partition.partition,
            dns_suffix=partition.dns_suffix,
            region=aws.get_region().region,
            account_id=aws.get_caller_identity().account_id,
            strict_bucket_policies=settings.strict_bucket_policies,
            protect=settings.protect,
            log_retention_days=settings.log_retention_days,
            audit_retention_days=settings.audit_retention_days,
            redelivery_s=settings.redelivery_s,
            site_hosting=settings.site_hosting,
        )

    def name(self, noun: str) -> str:
        """The deployed name of one thing; the stage is in it, so two stages can share an account."""
        return f"yikatong-{self.stage}-{noun}"

    def bucket_name(self, noun: str) -> str:
        """Bucket names are unique in a whole partition, so the account is in them as well."""
        return f"{self.name(noun)}-{self.account_id}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def service_integration(self, integration: str) -> str:
        """A Step Functions optimised integration, such as `lambda:invoke.waitForTaskToken`."""
        return f"arn:{self.partition}:states:::{integration}"

    def function_arn(self, verb: str) -> str:
        return self.arn("lambda", f"function:{self.name(verb)}")

    def state_machine_arn(self, noun: str) -> str:
        return self.arn("states", f"stateMachine:{self.name(noun)}")

    def executions_arn(self, noun: str) -> str:
        return self.arn("states", f"execution:{self.name(noun)}:*")
