"""REST APIs: moto keeps their description, the gateway reads it back and does what API Gateway would
(`infra.local.gateway`)."""

import json

from infra.local.resources.context import Context, Created, Inputs, creates, given


@creates("apigateway", "RestApi")
def rest_api(context: Context, name: str, inputs: Inputs) -> Created:
    apis = context.clients("apigateway")
    api_name = inputs.get("name") or name
    api = apis.create_rest_api(name=api_name, **given(inputs, description="description", policy="policy"))["id"]
    if inputs.get("body"):
        body = inputs["body"]
        apis.put_rest_api(
            restApiId=api, mode="overwrite", body=(body if isinstance(body, str) else json.dumps(body)).encode()
        )
    root = next(r["id"] for r in apis.get_resources(restApiId=api)["items"] if r["path"] == "/")
    outputs = {
        "name": api_name,
        "rootResourceId": root,
        "arn": f"arn:{context.clients.partition}:apigateway:{context.clients.region}::/restapis/{api}",
        "executionArn": context.clients.arn("execute-api", api),
    }
    return api, {**inputs, **outputs}


@creates("apigateway", "Resource")
def resource(context: Context, _name: str, inputs: Inputs) -> Created:
    created = context.clients("apigateway").create_resource(
        restApiId=inputs["restApi"], parentId=inputs["parentId"], pathPart=inputs["pathPart"]
    )
    return created["id"], {**inputs, "path": created["path"]}


@creates("apigateway", "Method")
def method(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("apigateway").put_method(
        restApiId=inputs["restApi"],
        resourceId=inputs["resourceId"],
        httpMethod=inputs["httpMethod"],
        authorizationType=inputs["authorization"],
        **given(inputs, apiKeyRequired="apiKeyRequired", requestParameters="requestParameters"),
    )
    return f"agm-{inputs['restApi']}-{inputs['resourceId']}-{inputs['httpMethod']}", inputs


@creates("apigateway", "Integration")
def integration(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("apigateway").put_integration(
        restApiId=inputs["restApi"],
        resourceId=inputs["resourceId"],
        httpMethod=inputs["httpMethod"],
        type=inputs["type"],
        **given(
            inputs,
            integrationHttpMethod="integrationHttpMethod",
            uri="uri",
            credentials="credentials",
            requestTemplates="requestTemplates",
            passthroughBehavior="passthroughBehavior",
        ),
    )
    return f"agi-{inputs['restApi']}-{inputs['resourceId']}-{inputs['httpMethod']}", inputs


@creates("apigateway", "MethodResponse", "IntegrationResponse", "Response")
def answers(_context: Context, name: str, inputs: Inputs) -> Created:
    """Record what shapes an answer only where the function does not: proxy integrations answer for themselves."""
    return name, inputs


@creates("apigateway", "Deployment")
def deployment(context: Context, _name: str, inputs: Inputs) -> Created:
    created = context.clients("apigateway").create_deployment(
        restApiId=inputs["restApi"], **given(inputs, description="description")
    )
    return created["id"], inputs


@creates("apigateway", "Stage")
def stage(context: Context, _name: str, inputs: Inputs) -> Created:
    api, stage_name = inputs["restApi"], inputs["stageName"]
    context.clients("apigateway").create_stage(
        restApiId=api,
        stageName=stage_name,
        deploymentId=inputs["deployment"],
        **given(inputs, variables="variables", tracingEnabled="xrayTracingEnabled"),
    )
    host = f"{api}.execute-api.{context.clients.region}.{context.clients.dns_suffix}"
    apis = f"arn:{context.clients.partition}:apigateway:{context.clients.region}::/restapis"
    outputs = {
        "invokeUrl": f"https://{host}/{stage_name}",
        "executionArn": context.clients.arn("execute-api", f"{api}/{stage_name}"),
        "arn": f"{apis}/{api}/stages/{stage_name}",
    }
    return f"ags-{api}-{stage_name}", {**inputs, **outputs}


@creates("apigateway", "MethodSettings", "Account", "UsagePlan")
def settings(_context: Context, name: str, inputs: Inputs) -> Created:
    """Record throttling and logging of a stage: neither exists in the local cloud."""
    return name, inputs
