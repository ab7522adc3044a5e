"""REST APIs in front of one function each. REST and not HTTP APIs, because WAF attaches to REST only (FACTS).

Paths are the function's own business (`{proxy+}`): routes live beside the code that answers them. A web ACL is
associated with `Api.stage_arn` when public traffic comes.
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
    authorization: Literal["NONE", "AWS_IAM"]
    rate_per_s: float
    burst: int


class Api(pulumi.ComponentResource):
    """A regional REST API with one stage; everything goes to one function."""

    def __init__(self, noun: str, function: Function, args: ApiArgs, context: Context) -> None:
        super().__init__("yikatong:api:Api", noun, None, None)
        own = pulumi.ResourceOptions(parent=self)
        api = aws.apigateway.RestApi(
            noun,
            name=context.name(noun),
            description=args.description,
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            opts=own,
        )
        proxy = aws.apigateway.Resource(
            noun, rest_api=api.id, parent_id=api.root_resource_id, path_part="{proxy+}", opts=own
        )
        integrations = []
        for suffix, resource_id in (("root", api.root_resource_id), ("proxy", proxy.id)):
            method = aws.apigateway.Method(
                f"{noun}-{suffix}",
                rest_api=api.id,
                resource_id=resource_id,
                http_method="ANY",
                authorization=args.authorization,
                opts=own,
            )
            integrations.append(
                aws.apigateway.Integration(
                    f"{noun}-{suffix}",
                    rest_api=api.id,
                    resource_id=resource_id,
                    http_method=method.http_method,
                    type="AWS_PROXY",
                    integration_http_method="POST",
                    uri=function.invoke_arn,
                    opts=own,
                )
            )
        deployment = aws.apigateway.Deployment(
            noun,
            rest_api=api.id,
            # A deployment is a snapshot; without a trigger a change of authorization would never go live.
            triggers={"authorization": args.authorization, "function": function.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=integrations),
        )
        stage = aws.apigateway.Stage(
            noun,
            rest_api=api.id,
            deployment=deployment.id,
            stage_name=context.stage,
            xray_tracing_enabled=True,
            opts=own,
        )
        aws.apigateway.MethodSettings(
            noun,
            rest_api=api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=aws.apigateway.MethodSettingsSettingsArgs(
                metrics_enabled=True,
                data_trace_enabled=False,  # bodies hold id numbers
                throttling_rate_limit=args.rate_per_s,
                throttling_burst_limit=args.burst,
            ),
            opts=own,
        )
        aws.lambda_.Permission(
            noun,
            function=function.name,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(api.execution_arn, "/", context.stage, "/*"),
            opts=own,
        )
        self.id: pulumi.Output[str] = api.id
        self.stage_arn: pulumi.Output[str] = stage.arn
        self.url: pulumi.Output[str] = stage.invoke_url
        self.register_outputs({"id": self.id})
