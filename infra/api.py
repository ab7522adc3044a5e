"""REST APIs in front of one function each. REST and not HTTP APIs, because WAF attaches to REST only (FACTS).

Paths are the function's own business (`{proxy+}`): routes live beside the code that answers them, OPTIONS among them. An API
has its address before it has its function: the site must know the address, and the function the site's.

The stage is named after who comes through it (`/public`, `/bureau`): CloudFront cannot take a prefix off a path, API Gateway
takes off its stage's. There are no access logs, and execution logs are off: both would hold addresses of people beside what
they asked, or more. The metrics count, and each function logs its own correlation ids.
"""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.function import Function


@dataclass(frozen=True)
class ApiArgs:
    """`authorization`: NONE for the public, AWS_IAM for bureaus (Cognito is not offered in China's regions, FACTS)."""

    description: str
    stage: str
    authorization: Literal["NONE", "AWS_IAM"]
    rate_per_s: float
    burst: int


class Api(pulumi.ComponentResource):
    """A regional REST API with one stage; everything goes to one function, once `serve` names it."""

    def __init__(self, noun: str, args: ApiArgs, context: Context) -> None:
        super().__init__("yikatong:api:Api", noun, None, None)
        self._noun, self._args = noun, args
        self._own = pulumi.ResourceOptions(parent=self)
        self._api = aws.apigateway.RestApi(
            noun,
            name=context.name(noun),
            description=args.description,
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            opts=self._own,
        )
        self.id: pulumi.Output[str] = self._api.id
        self.host: pulumi.Output[str] = pulumi.Output.concat(
            self.id, ".execute-api.", context.region, ".", context.dns_suffix
        )
        self.origin: pulumi.Output[str] = pulumi.Output.concat("https://", self.host)
        self.url: pulumi.Output[str] = pulumi.Output.concat(self.origin, "/", args.stage)
        self.register_outputs({"id": self.id})

    def serve(self, function: Function) -> pulumi.Output[str]:
        """Send every path and method to the function; the ARN of the stage."""
        deployment = aws.apigateway.Deployment(
            self._noun,
            rest_api=self.id,
            # A deployment is a snapshot; without a trigger a change of authorization would never go live.
            triggers={"authorization": self._args.authorization, "function": function.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._integrations(function)),
        )
        stage = aws.apigateway.Stage(
            self._noun,
            rest_api=self.id,
            deployment=deployment.id,
            stage_name=self._args.stage,
            xray_tracing_enabled=True,
            opts=self._own,
        )
        aws.apigateway.MethodSettings(
            self._noun,
            rest_api=self.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=aws.apigateway.MethodSettingsSettingsArgs(
                metrics_enabled=True,
                logging_level="OFF",
                data_trace_enabled=False,  # bodies hold id numbers
                throttling_rate_limit=self._args.rate_per_s,
                throttling_burst_limit=self._args.burst,
            ),
            opts=self._own,
        )
        aws.lambda_.Permission(
            self._noun,
            function=function.name,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self._api.execution_arn, "/", self._args.stage, "/*"),
            opts=self._own,
        )
        stage_arn: pulumi.Output[str] = stage.arn
        return stage_arn

    def _integrations(self, function: Function) -> list[pulumi.Resource]:
        proxy = aws.apigateway.Resource(
            self._noun, rest_api=self.id, parent_id=self._api.root_resource_id, path_part="{proxy+}", opts=self._own
        )
        integrations: list[pulumi.Resource] = []
        for suffix, resource_id in (("root", self._api.root_resource_id), ("proxy", proxy.id)):
            method = aws.apigateway.Method(
                f"{self._noun}-{suffix}",
                rest_api=self.id,
                resource_id=resource_id,
                http_method="ANY",
                authorization=self._args.authorization,
                opts=self._own,
            )
            integrations.append(
                aws.apigateway.Integration(
                    f"{self._noun}-{suffix}",
                    rest_api=self.id,
                    resource_id=resource_id,
                    http_method=method.http_method,
                    type="AWS_PROXY",
                    integration_http_method="POST",
                    uri=function.invoke_arn,
                    opts=self._own,
                )
            )
        return integrations
