"""What is measured. A workload raises ClientError or NotMeasured where a server cannot do it."""

import io
import json
import statistics
import tarfile
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from benchmarks.local_cloud.load import Measured, send, signed
from benchmarks.local_cloud.subjects import Running

JSON_1_0 = {"Content-Type": "application/x-amz-json-1.0"}
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
HANDLER = "def handler(event, context):\n    return 1\n"
INFERENCE = """
def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return b"1"

def output_fn(prediction, accept):
    return prediction, "text/plain"
"""


class NotMeasured(Exception):
    """Raised when a server does not do what is measured."""


def s3_puts(server: Running) -> dict[str, float]:
    """Objects of 1 KiB a second, from one client and from twenty."""
    bucket = _name("bucket")
    server.client("s3").create_bucket(Bucket=bucket)
    call = signed(server.endpoint, "s3", "PUT", f"/{bucket}/key", b"x" * 1024)
    return _rates("S3 puts", call)


def dynamodb_writes(server: Running) -> dict[str, float]:
    """Items a second, from one client and from twenty."""
    table = _name("table")
    server.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    body = json.dumps({"TableName": table, "Item": {"id": {"S": "a"}, "text": {"S": "x" * 200}}}).encode()
    call = signed(
        server.endpoint, "dynamodb", "POST", "/", body, JSON_1_0 | {"X-Amz-Target": "DynamoDB_20120810.PutItem"}
    )
    return _rates("DynamoDB puts", call)


def sqs_receives(server: Running) -> dict[str, float]:
    """Answers to ReceiveMessage a second, of a queue that holds five hundred messages."""
    url = server.client("sqs").create_queue(QueueName=_name("queue"))["QueueUrl"]
    entries = [{"Id": str(number), "MessageBody": "x" * 200} for number in range(10)]
    for _ in range(50):
        server.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    body = json.dumps({"QueueUrl": url, "MaxNumberOfMessages": 1}).encode()
    call = signed(server.endpoint, "sqs", "POST", "/", body, JSON_1_0 | {"X-Amz-Target": "AmazonSQS.ReceiveMessage"})
    return {"SQS receives/s": _complete(send(call, 200)).per_second}


def lambda_invokes(server: Running) -> dict[str, float]:
    """What a warm invoke of an empty function takes beyond a plain call of the same service, in milliseconds."""
    name = _name("function")
    functions = server.client("lambda")
    functions.create_function(
        FunctionName=name,
        Role=_role(server, "lambda.amazonaws.com"),
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": _zipped("index.py", HANDLER)},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    if functions.invoke(FunctionName=name)["Payload"].read() != b"1":
        raise NotMeasured("it does not run functions")
    invoke = signed(server.endpoint, "lambda", "POST", f"/2015-03-31/functions/{name}/invocations", b"{}")
    plain = signed(server.endpoint, "lambda", "GET", f"/2015-03-31/functions/{name}/configuration")
    send(invoke, 50)
    differences = [_median_ms(send(invoke, 100)) - _median_ms(send(plain, 100)) for _ in range(5)]
    return {"Lambda warm invoke over a plain call, ms": statistics.median(differences)}


def put_to_execution(server: Running) -> dict[str, float]:
    """From the answer to a PutObject to the start of the execution that its event starts, in milliseconds."""
    bucket, rule = _name("bucket"), _name("rule")
    s3, machines = server.client("s3"), server.client("stepfunctions")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    machine = machines.create_state_machine(
        name=_name("machine"),
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn=_role(server, "states.amazonaws.com"),
    )["stateMachineArn"]
    events = server.client("events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(
        Rule=rule, Targets=[{"Id": "1", "Arn": machine, "RoleArn": _role(server, "events.amazonaws.com")}]
    )
    waits = [_until_started(s3, machines, bucket, machine, number) for number in range(1, 21)]
    return {"S3 put to execution start, ms": statistics.median(waits)}


def _until_started(s3: Any, machines: Any, bucket: str, machine: str, number: int) -> float:
    s3.put_object(Bucket=bucket, Key=f"{number}", Body=b"x")
    began = time.perf_counter()
    while len(machines.list_executions(stateMachineArn=machine)["executions"]) < number:
        if time.perf_counter() - began > 5:
            raise NotMeasured("no execution was started")
    return (time.perf_counter() - began) * 1000


def endpoint_invokes(server: Running) -> dict[str, float]:
    """Answers of an endpoint with a trivial model a second, all captured, and what the cloud adds to the model."""
    name, bucket = _name("endpoint"), _name("bucket")
    _make_endpoint(server, name, bucket)
    call = signed(
        server.endpoint, "sagemaker", "POST", f"/endpoints/{name}/invocations", b"1,2,3", {"Content-Type": "text/csv"}
    )
    send(call, 200, clients=4)
    measured = _complete(send(call, 6000, clients=4))
    return {"InvokeEndpoint/s": measured.per_second, "InvokeEndpoint p99, ms": measured.quantile_ms(0.99)}


def _make_endpoint(server: Running, name: str, bucket: str) -> None:
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=_model_archive())
    role = _role(server, "sagemaker.amazonaws.com")
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{bucket}/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {
        "VariantName": "only",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1.0,
    }
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    _in_service(sagemaker, name)


def _in_service(sagemaker: Any, name: str) -> None:
    deadline = time.monotonic() + 60
    while (status := sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]) == "Creating":
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if status != "InService":
        raise NotMeasured(f"the endpoint is {status}")


WORKLOADS: tuple[Callable[[Running], dict[str, float]], ...] = (
    s3_puts,
    dynamodb_writes,
    sqs_receives,
    put_to_execution,
    lambda_invokes,
    endpoint_invokes,
)


def _rates(title: str, call: Any) -> dict[str, float]:
    send(call, 50)
    return {
        f"{title}/s, one client": _complete(send(call, 500)).per_second,
        f"{title}/s, twenty clients": _complete(send(call, 1000, clients=20)).per_second,
    }


def _complete(measured: Measured) -> Measured:
    if measured.failed or not measured.seconds:
        raise NotMeasured(f"{measured.failed} requests failed")
    return measured


def _median_ms(measured: Measured) -> float:
    return _complete(measured).quantile_ms(0.5)


def _role(server: Running, service: str) -> str:
    iam, name = server.client("iam"), _name("role")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
    return str(made["Role"]["Arn"])


def _name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def _zipped(name: str, text: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(name, text)
    return written.getvalue()


def _model_archive() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(INFERENCE)
        archive.addfile(info, io.BytesIO(INFERENCE.encode()))
    return written.getvalue()
