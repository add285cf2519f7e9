"""What a request to SageMaker needs a right to, where the parameters alone would mislead."""

from localcloud.iam.calls import Call
from localcloud.iam.services.sagemaker import accesses

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"


def test_a_transform_job_is_a_right_on_the_job_and_its_model_a_condition() -> None:
    asked = {"TransformJobName": "job", "ModelName": "flights-v1"}
    (access,) = accesses(Call("sagemaker", "CreateTransformJob", asked, "us-east-1", "123456789012"))
    assert (access.action, access.resource) == ("sagemaker:CreateTransformJob", f"{ACCOUNT}:transform-job/job")
    assert access.context["sagemaker:modelarn"] == (f"{ACCOUNT}:model/flights-v1",)
