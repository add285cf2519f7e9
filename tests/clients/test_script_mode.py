"""Scripts in the form of AWS's script-mode examples, trained and served without a change."""

from collections.abc import Callable

from ..local.conformance.workshop import IMAGE, Workshop
from .conftest import PROGRAMS, Client


def test_a_script_of_the_examples_form_is_trained_and_served(
    client: Callable[[str], Client], workshop: Workshop
) -> None:
    script = str(PROGRAMS / "iris.py")
    told = client("boto3").script("script_mode.py", workshop.role, workshop.bucket, IMAGE, script)
    assert told == [0, 1, 2]
