"""Buckets and their settings, objects, tables, items, queues."""

import json
import mimetypes
from typing import Any

from infra.local.resources.context import Context, Created, Inputs, creates, given, pascal, tags_of


@creates("s3", "Bucket")
def bucket(context: Context, name: str, inputs: Inputs) -> Created:
    bucket_name = inputs.get("bucket") or name
    s3 = context.clients("s3")
    extra: dict[str, Any] = {"ObjectLockEnabledForBucket": True} if inputs.get("objectLockEnabled") else {}
    s3.create_bucket(
        Bucket=bucket_name, CreateBucketConfiguration={"LocationConstraint": context.clients.region}, **extra
    )
    if tags_of(inputs):
        s3.put_bucket_tagging(Bucket=bucket_name, Tagging={"TagSet": tags_of(inputs)})
    suffix = context.clients.dns_suffix
    return bucket_name, {
        **inputs,
        "bucket": bucket_name,
        "arn": f"arn:{context.clients.partition}:s3:::{bucket_name}",
        "region": context.clients.region,
        "bucketDomainName": f"{bucket_name}.s3.{suffix}",
        "bucketRegionalDomainName": f"{bucket_name}.s3.{context.clients.region}.{suffix}",
    }


@creates("s3", "BucketVersioning")
def bucket_versioning(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("s3").put_bucket_versioning(
        Bucket=inputs["bucket"], VersioningConfiguration=pascal(inputs["versioningConfiguration"])
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketObjectLockConfiguration")
def bucket_object_lock(context: Context, _name: str, inputs: Inputs) -> Created:
    rule = {"DefaultRetention": pascal(inputs["rule"]["defaultRetention"])}
    context.clients("s3").put_object_lock_configuration(
        Bucket=inputs["bucket"], ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketServerSideEncryptionConfiguration")
def bucket_encryption(context: Context, _name: str, inputs: Inputs) -> Created:
    rules = []
    for rule in inputs["rules"]:
        default = rule["applyServerSideEncryptionByDefault"]
        translated = given(default, SSEAlgorithm="sseAlgorithm", KMSMasterKeyID="kmsMasterKeyId")
        rules.append(
            {"ApplyServerSideEncryptionByDefault": translated, **given(rule, BucketKeyEnabled="bucketKeyEnabled")}
        )
    context.clients("s3").put_bucket_encryption(
        Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules}
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketPublicAccessBlock")
def bucket_public_access_block(context: Context, _name: str, inputs: Inputs) -> Created:
    flags = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
    context.clients("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration=pascal({flag: bool(inputs.get(flag)) for flag in flags}),
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketOwnershipControls")
def bucket_ownership(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("s3").put_bucket_ownership_controls(
        Bucket=inputs["bucket"], OwnershipControls={"Rules": [pascal(inputs["rule"])]}
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketPolicy")
def bucket_policy(context: Context, _name: str, inputs: Inputs) -> Created:
    """Put the policy without its conditional Denies: moto does not know their keys and would refuse every put
    (FACTS)."""
    policy = inputs["policy"]
    document = json.loads(policy) if isinstance(policy, str) else policy
    kept = [s for s in document["Statement"] if not (s["Effect"] == "Deny" and s.get("Condition"))]
    if kept:
        context.clients("s3").put_bucket_policy(
            Bucket=inputs["bucket"], Policy=json.dumps({**document, "Statement": kept})
        )
    return inputs["bucket"], inputs


@creates("s3", "BucketLifecycleConfiguration")
def bucket_lifecycle(context: Context, _name: str, inputs: Inputs) -> Created:
    rules = []
    for rule in inputs["rules"]:
        translated = pascal(rule)
        translated["ID"] = translated.pop("Id")
        translated.setdefault("Filter", {"Prefix": ""})
        for plural in ("Transitions", "NoncurrentVersionTransitions"):
            if not translated.get(plural):
                translated.pop(plural, None)
        rules.append(translated)
    context.clients("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules}
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketNotification")
def bucket_notification(context: Context, name: str, inputs: Inputs) -> Created:
    configuration: dict[str, Any] = {"EventBridgeConfiguration": {}} if inputs.get("eventbridge") else {}
    for kind in ("lambdaFunctions", "queues", "topics"):
        if inputs.get(kind):
            raise ValueError(f"{name}: notify EventBridge, not {kind}: the local cloud delivers nothing else (FACTS)")
    context.clients("s3").put_bucket_notification_configuration(
        Bucket=inputs["bucket"], NotificationConfiguration=configuration
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketCorsConfiguration")
def bucket_cors(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("s3").put_bucket_cors(
        Bucket=inputs["bucket"], CORSConfiguration={"CORSRules": pascal(inputs["corsRules"])}
    )
    return inputs["bucket"], inputs


@creates("s3", "BucketWebsiteConfiguration")
def bucket_website(context: Context, _name: str, inputs: Inputs) -> Created:
    """Keep the configuration: the gateway serves the site, whichever way it is hosted."""
    context.clients("s3").put_bucket_website(
        Bucket=inputs["bucket"],
        WebsiteConfiguration=pascal(given(inputs, IndexDocument="indexDocument", ErrorDocument="errorDocument")),
    )
    domain = f"s3-website.{context.clients.region}.{context.clients.dns_suffix}"
    return inputs["bucket"], {**inputs, "websiteDomain": domain, "websiteEndpoint": f"{inputs['bucket']}.{domain}"}


@creates("s3", "BucketObject", "BucketObjectv2")
def bucket_object(context: Context, name: str, inputs: Inputs) -> Created:
    key = inputs.get("key") or name
    body = context.content_of(inputs["source"]) if inputs.get("source") else str(inputs.get("content") or "").encode()
    content_type = inputs.get("contentType") or mimetypes.guess_type(key)[0] or "application/octet-stream"
    answer = context.clients("s3").put_object(
        Bucket=inputs["bucket"],
        Key=key,
        Body=body,
        ContentType=content_type,
        **given(inputs, CacheControl="cacheControl", Metadata="metadata"),
    )
    outputs = {"key": key, "etag": answer["ETag"].strip('"'), "versionId": answer.get("VersionId", "")}
    return f"{inputs['bucket']}/{key}", {**inputs, **outputs}


def _key_schema(of: Inputs) -> list[dict[str, str]]:
    keys = [{"AttributeName": of["hashKey"], "KeyType": "HASH"}]
    return keys + ([{"AttributeName": of["rangeKey"], "KeyType": "RANGE"}] if of.get("rangeKey") else [])


def _index(index: Inputs) -> dict[str, Any]:
    schema = index.get("keySchemas")
    projection: dict[str, Any] = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    return {
        "IndexName": index["name"],
        "KeySchema": pascal(schema) if schema else _key_schema(index),
        "Projection": projection,
    }


@creates("dynamodb", "Table")
def table(context: Context, name: str, inputs: Inputs) -> Created:
    table_name = inputs.get("name") or name
    dynamodb = context.clients("dynamodb")
    extra: dict[str, Any] = {}
    if inputs.get("globalSecondaryIndexes"):
        extra["GlobalSecondaryIndexes"] = [_index(index) for index in inputs["globalSecondaryIndexes"]]
    if inputs.get("streamEnabled"):
        extra["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}
    attributes = [{"AttributeName": a["name"], "AttributeType": a["type"]} for a in inputs["attributes"]]
    created = dynamodb.create_table(
        TableName=table_name,
        BillingMode=inputs.get("billingMode") or "PAY_PER_REQUEST",
        AttributeDefinitions=attributes,
        KeySchema=_key_schema(inputs),
        **extra,
        **given(inputs, DeletionProtectionEnabled="deletionProtectionEnabled"),
    )["TableDescription"]
    ttl = inputs.get("ttl")
    if ttl and ttl.get("enabled"):
        dynamodb.update_time_to_live(
            TableName=table_name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl["attributeName"]},
        )
    recovery = inputs.get("pointInTimeRecovery")
    if recovery and recovery.get("enabled"):
        dynamodb.update_continuous_backups(
            TableName=table_name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    outputs = {"name": table_name, "arn": created["TableArn"], "streamArn": created.get("LatestStreamArn", "")}
    return table_name, {**inputs, **outputs}


@creates("dynamodb", "TableItem")
def table_item(context: Context, name: str, inputs: Inputs) -> Created:
    context.clients("dynamodb").put_item(TableName=inputs["tableName"], Item=json.loads(inputs["item"]))
    return f"{inputs['tableName']}|{name}", inputs


@creates("sqs", "Queue")
def queue(context: Context, name: str, inputs: Inputs) -> Created:
    queue_name = inputs.get("name") or name
    attributes = given(
        inputs,
        VisibilityTimeout="visibilityTimeoutSeconds",
        MessageRetentionPeriod="messageRetentionSeconds",
        DelaySeconds="delaySeconds",
        ReceiveMessageWaitTimeSeconds="receiveWaitTimeSeconds",
        RedrivePolicy="redrivePolicy",
        RedriveAllowPolicy="redriveAllowPolicy",
        KmsMasterKeyId="kmsMasterKeyId",
        SqsManagedSseEnabled="sqsManagedSseEnabled",
        FifoQueue="fifoQueue",
    )
    sqs = context.clients("sqs")
    url = sqs.create_queue(QueueName=queue_name, Attributes={k: _text(v) for k, v in attributes.items()})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {**inputs, "name": queue_name, "url": url, "arn": arn}


@creates("sqs", "QueuePolicy", "RedrivePolicy", "RedriveAllowPolicy")
def queue_policy(context: Context, _name: str, inputs: Inputs) -> Created:
    attributes = given(inputs, Policy="policy", RedrivePolicy="redrivePolicy", RedriveAllowPolicy="redriveAllowPolicy")
    context.clients("sqs").set_queue_attributes(
        QueueUrl=inputs["queueUrl"], Attributes={k: _text(v) for k, v in attributes.items()}
    )
    return inputs["queueUrl"], inputs


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)
