from stacks.constructs.model_triggers import dropped_keys
from tests.infra.conftest import Assembly


def test_every_rule_target_has_a_right_retries_and_a_dead_letter_queue(assembly: Assembly) -> None:
    targets = [target for rule in assembly.resources("AWS::Events::Rule") for target in rule.properties["Targets"]]
    assert len(targets) == 3 * 14
    called = [permission.properties for permission in assembly.resources("AWS::Lambda::Permission")]
    callable_ = {str(each["FunctionName"]) for each in called if each["Principal"] == "events.amazonaws.com"}
    for target in targets:
        assert "RoleArn" in target or str(target["Arn"]) in callable_
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["DeadLetterConfig"]["Arn"]


def test_every_schedule_has_a_role_retries_and_a_dead_letter_queue(assembly: Assembly) -> None:
    schedules = assembly.resources("AWS::Scheduler::Schedule")
    assert len(schedules) == 3
    for schedule in schedules:
        target = schedule.properties["Target"]
        assert target["RoleArn"]
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["DeadLetterConfig"]["Arn"]
        assert "<aws.scheduler.scheduled-time>" in target["Input"]


def test_promotion_starts_for_exactly_approved(assembly: Assembly) -> None:
    change = ["SageMaker Model Package State Change"]
    patterns = [rule.properties.get("EventPattern", {}) for rule in assembly.resources("AWS::Events::Rule")]
    approvals = [pattern["detail"] for pattern in patterns if pattern.get("detail-type") == change]
    assert {tuple(detail["ModelApprovalStatus"]) for detail in approvals} == {("Approved",)}
    assert {tuple(detail["ModelPackageGroupName"]) for detail in approvals} == {
        ("trimtab-dev-flights",),
        ("trimtab-dev-searched",),
        ("trimtab-dev-tiny",),
    }


def test_models_do_not_hear_of_each_others_drops(assembly: Assembly) -> None:
    for rule in assembly.resources("AWS::Events::Rule"):
        pattern = rule.properties.get("EventPattern", {})
        if pattern.get("source") == ["aws.s3"]:
            model = rule.stack.removeprefix("trimtab-dev-model-")
            prefixes = [key["prefix"] for key in pattern["detail"]["object"]["key"]]
            assert prefixes == [f"{model}/data/", f"{model}/truth/"]


def test_a_drop_of_many_objects_starts_the_intake_only_when_it_is_closed() -> None:
    truth = {"prefix": "tiny/truth/"}
    assert dropped_keys("tiny", "object") == [{"prefix": "tiny/data/"}, truth]
    assert dropped_keys("tiny", "manifest") == [{"wildcard": "tiny/data/*_MANIFEST.json"}, truth]
    assert dropped_keys("tiny", "success") == [{"wildcard": "tiny/data/*_SUCCESS"}, truth]


def test_drops_are_announced_without_a_function_in_between(assembly: Assembly) -> None:
    (drops,) = [b for b in assembly.resources("AWS::S3::Bucket") if "NotificationConfiguration" in b.properties]
    assert drops.properties["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_queues_and_topics_are_encrypted_and_refuse_plain_http(assembly: Assembly) -> None:
    for queue in assembly.resources("AWS::SQS::Queue"):
        assert queue.properties["KmsMasterKeyId"]
    for topic in assembly.resources("AWS::SNS::Topic"):
        assert topic.properties["KmsMasterKeyId"]
    for policy in assembly.resources("AWS::SQS::QueuePolicy") + assembly.resources("AWS::SNS::TopicPolicy"):
        denied = [s for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert any(s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for s in denied), policy.id


def test_no_custom_resource_is_needed(assembly: Assembly) -> None:
    types = {found["Type"] for template in assembly.templates.values() for found in template["Resources"].values()}
    assert not [type for type in types if type.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))]


def test_the_lease_comes_back_however_an_execution_of_the_training_ends_badly(assembly: Assembly) -> None:
    rules = [rule for rule in assembly.resources("AWS::Events::Rule") if rule.id.startswith("Reclaiming")]
    assert len(rules) == 3
    for rule in rules:
        detail = rule.properties["EventPattern"]["detail"]
        assert detail["status"] == ["ABORTED", "TIMED_OUT", "FAILED"]
        (machine,) = detail["stateMachineArn"]
        assert "TrainingSteps" in str(machine)
