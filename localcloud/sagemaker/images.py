"""Container images named by requests, as the environments that stand for them."""

from localcloud.cloud import Cloud
from localcloud.images.environments import Image
from localcloud.sagemaker.errors import ValidationError


def find_image(cloud: Cloud, uri: str) -> Image:
    """The environment of an image. Raises ValidationError when there is no recipe for it, or it was not made."""
    try:
        return cloud.toolchain.image(uri)
    except LookupError as error:
        raise ValidationError(str(error.args[0])) from error
