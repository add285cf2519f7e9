"""Layers: how they are merged, and binaries that were compiled for another machine."""

from importlib.metadata import version

import pytest

from .conftest import LocalCloud
from .lambda_support import Bench, make_bench


@pytest.fixture(scope="module")
def bench(cloud: LocalCloud) -> Bench:
    return make_bench(cloud)


def test_layers_are_merged_in_order_and_the_last_one_wins(bench: Bench) -> None:
    first = bench.layer({"python/one.py": "name = 'first'", "python/only.py": "name = 'only'", "data/a.txt": "a"})
    second = bench.layer({"python/one.py": "name = 'second'"})
    name = bench.function(
        "import one, only\n"
        "def handler(event, context):\n"
        "    return [one.name, one.__file__, only.name, open('/opt/data/a.txt').read()]\n",
        Layers=[first, second],
    )
    assert bench.invoke(name).value == ["second", "/opt/python/one.py", "only", "a"]


def test_a_deleted_layer_version_stays_with_its_functions(bench: Bench) -> None:
    arn = bench.layer({"python/one.py": "name = 'kept'"})
    name = bench.function("import one\ndef handler(event, context):\n    return one.name", Layers=[arn])
    layer_name, _, number = arn.rpartition(":")
    bench.api.delete_layer_version(LayerName=layer_name, VersionNumber=int(number))
    assert bench.invoke(name).value == "kept"


def test_a_binary_package_for_another_machine_is_taken_from_the_servers_environment(bench: Bench) -> None:
    arn = bench.layer(_foreign_numpy(version("numpy")))
    name = bench.function(
        "import numpy\ndef handler(event, context):\n    return [numpy.__version__, int(numpy.arange(4).sum())]",
        Layers=[arn],
        MemorySize=512,
    )
    assert bench.invoke(name).value == [version("numpy"), 6]


def test_a_binary_package_that_the_server_has_not_is_an_init_error_naming_both_versions(bench: Bench) -> None:
    name = bench.function(
        "import numpy\ndef handler(event, context): pass", Layers=[bench.layer(_foreign_numpy("0.1"))]
    )
    outcome = bench.invoke(name)
    assert outcome.value["errorType"] == "Runtime.ImportModuleError"
    assert f"numpy 0.1 (here {version('numpy')})" in outcome.value["errorMessage"]


def _foreign_numpy(number: str) -> dict[str, str]:
    return {
        "python/numpy/__init__.py": "raise ImportError('compiled for another machine')",
        f"python/numpy-{number}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_28_s390x\n"
        ),
    }
