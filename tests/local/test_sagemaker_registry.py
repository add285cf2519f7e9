"""What is ours alone of the registry and its neighbours: what is refused, and who changed a version."""

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud
from .sagemaker_support import IMAGE, Studio, unique


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


def test_a_version_tells_who_changed_it_last(studio: Studio) -> None:
    group = unique("group")
    studio.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{studio.bucket}/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    made = studio.sagemaker.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification)
    studio.sagemaker.update_model_package(ModelPackageArn=made["ModelPackageArn"], ModelApprovalStatus="Approved")
    found = studio.sagemaker.describe_model_package(ModelPackageName=made["ModelPackageArn"])
    me = studio.cloud.client("sts").get_caller_identity()["Arn"]
    assert found["LastModifiedBy"]["IamIdentity"]["Arn"] == me


def test_operations_that_would_only_be_recorded_are_refused(studio: Studio) -> None:
    with pytest.raises(ClientError, match="does not support CreateNotebookInstance"):
        studio.sagemaker.create_notebook_instance(
            NotebookInstanceName="n", InstanceType="ml.t3.medium", RoleArn=studio.role
        )
    with pytest.raises(ClientError, match="use the List operations"):
        studio.sagemaker.search(Resource="ModelPackage")
