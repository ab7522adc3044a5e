"""Functions, layers, the queues that wake them, state machines, REST APIs and the roles they work under."""

import json
from typing import Any

from infra.local.resources.context import Context, Created, Inputs, creates, given, pascal, placeholder_package


@creates("iam", "Role")
def role(context: Context, name: str, inputs: Inputs) -> Created:
    role_name = inputs.get("name") or name
    iam = context.clients("iam")
    created = iam.create_role(
        RoleName=role_name,
        AssumeRolePolicyDocument=_json(inputs["assumeRolePolicy"]),
        **given(inputs, Path="path", Description="description"),
    )["Role"]
    for inline in inputs.get("inlinePolicies") or []:
        iam.put_role_policy(RoleName=role_name, PolicyName=inline["name"], PolicyDocument=_json(inline["policy"]))
    for arn in inputs.get("managedPolicyArns") or []:
        iam.attach_role_policy(RoleName=role_name, PolicyArn=arn)
    return role_name, {**inputs, "name": role_name, "arn": created["Arn"], "uniqueId": created["RoleId"]}


@creates("iam", "RolePolicy")
def role_policy(context: Context, name: str, inputs: Inputs) -> Created:
    policy_name = inputs.get("name") or name
    context.clients("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=policy_name, PolicyDocument=_json(inputs["policy"])
    )
    return f"{inputs['role']}:{policy_name}", {**inputs, "name": policy_name}


@creates("iam", "Policy")
def policy(context: Context, name: str, inputs: Inputs) -> Created:
    policy_name = inputs.get("name") or name
    created = context.clients("iam").create_policy(PolicyName=policy_name, PolicyDocument=_json(inputs["policy"]))
    arn = created["Policy"]["Arn"]
    return arn, {**inputs, "name": policy_name, "arn": arn}


@creates("iam", "RolePolicyAttachment")
def role_policy_attachment(context: Context, name: str, inputs: Inputs) -> Created:
    """Attach a policy; one that AWS manages and moto does not carry is recorded, not attached."""
    iam = context.clients("iam")
    try:
        iam.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    except iam.exceptions.NoSuchEntityException:
        if ":iam::aws:" not in inputs["policyArn"]:
            raise
    return f"{inputs['role']}-{name}", inputs


@creates("lambda", "LayerVersion")
def layer_version(context: Context, name: str, inputs: Inputs) -> Created:
    layer_name = inputs.get("layerName") or name
    created = context.clients("lambda").publish_layer_version(
        LayerName=layer_name,
        Content={"ZipFile": placeholder_package()},
        **given(inputs, CompatibleRuntimes="compatibleRuntimes", CompatibleArchitectures="compatibleArchitectures"),
    )
    arn = created["LayerVersionArn"]
    context.layer_folders[arn] = context.folder_of(inputs["code"], f"layer-{layer_name}")
    outputs = {"arn": arn, "layerArn": created["LayerArn"], "version": str(created["Version"])}
    return arn, {**inputs, "layerName": layer_name, **outputs}


@creates("lambda", "Function")
def function(context: Context, name: str, inputs: Inputs) -> Created:
    function_name = inputs.get("name") or name
    context.function_folders[function_name] = context.folder_of(inputs["code"], f"function-{function_name}")
    extra: dict[str, Any] = {}
    for key, source in (
        ("DeadLetterConfig", "deadLetterConfig"),
        ("EphemeralStorage", "ephemeralStorage"),
        ("TracingConfig", "tracingConfig"),
    ):
        if inputs.get(source):
            extra[key] = pascal(inputs[source])
    if inputs.get("deadLetterConfig"):
        # moto forgets it.
        context.dead_letters[function_name] = inputs["deadLetterConfig"]["targetArn"]
    if inputs.get("environment"):
        extra["Environment"] = {"Variables": inputs["environment"].get("variables") or {}}
    created = context.clients("lambda").create_function(
        FunctionName=function_name,
        Runtime=inputs["runtime"],
        Role=inputs["role"],
        Handler=inputs["handler"],
        Code={"ZipFile": placeholder_package()},
        Timeout=inputs.get("timeout") or 3,
        MemorySize=inputs.get("memorySize") or 128,
        Layers=inputs.get("layers") or [],
        Tags=inputs.get("tags") or {},
        **given(inputs, Description="description", Architectures="architectures", KMSKeyArn="kmsKeyArn"),
        **extra,
    )
    arn = created["FunctionArn"]
    return function_name, {
        **inputs,
        "name": function_name,
        "arn": arn,
        "qualifiedArn": f"{arn}:{created['Version']}",
        "invokeArn": invocation_uri(context, arn),
        "version": created["Version"],
    }


def invocation_uri(context: Context, function_arn: str) -> str:
    """Return the URI by which API Gateway names a function."""
    return (
        f"arn:{context.clients.partition}:apigateway:{context.clients.region}:lambda:path"
        f"/2015-03-31/functions/{function_arn}/invocations"
    )


@creates("lambda", "Permission")
def permission(context: Context, name: str, inputs: Inputs) -> Created:
    statement = inputs.get("statementId") or name
    context.clients("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=statement,
        Action=inputs["action"],
        Principal=inputs["principal"],
        **given(inputs, SourceArn="sourceArn", SourceAccount="sourceAccount"),
    )
    return statement, {**inputs, "statementId": statement}


@creates("lambda", "EventSourceMapping")
def event_source_mapping(context: Context, _name: str, inputs: Inputs) -> Created:
    extra = {"ScalingConfig": pascal(inputs["scalingConfig"])} if inputs.get("scalingConfig") else {}
    created = context.clients("lambda").create_event_source_mapping(
        EventSourceArn=inputs["eventSourceArn"],
        FunctionName=inputs["functionName"],
        **given(
            inputs,
            BatchSize="batchSize",
            MaximumBatchingWindowInSeconds="maximumBatchingWindowInSeconds",
            FunctionResponseTypes="functionResponseTypes",
            StartingPosition="startingPosition",
            Enabled="enabled",
        ),
        **extra,
    )
    return created["UUID"], {**inputs, "uuid": created["UUID"], "functionArn": created["FunctionArn"]}


@creates("lambda", "FunctionEventInvokeConfig")
def function_event_invoke_config(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("lambda").put_function_event_invoke_config(
        FunctionName=inputs["functionName"],
        **given(
            inputs, MaximumRetryAttempts="maximumRetryAttempts", MaximumEventAgeInSeconds="maximumEventAgeInSeconds"
        ),
    )
    return inputs["functionName"], inputs


@creates("sfn", "StateMachine")
def state_machine(context: Context, name: str, inputs: Inputs) -> Created:
    machine = inputs.get("name") or name
    arn = context.clients("stepfunctions").create_state_machine(
        name=machine,
        definition=_json(inputs["definition"]),
        roleArn=inputs["roleArn"],
        type=inputs.get("type") or "STANDARD",
    )["stateMachineArn"]
    return arn, {**inputs, "name": machine, "arn": arn}


def _json(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
