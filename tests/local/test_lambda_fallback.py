"""A host that forbids user namespaces: functions still run, and the server says what is different."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LocalCloud, start_local_cloud
from .lambda_support import Bench, make_bench

WITHOUT_NAMESPACES = """
import runpy
from localcloud.processes import Processes
Processes._can_make_namespaces = lambda self: False
runpy.run_module("localcloud", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("restricted")
    running, process = start_local_cloud(folder, program=(sys.executable, "-c", WITHOUT_NAMESPACES))
    yield running
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def bench(restricted: LocalCloud) -> Bench:
    return make_bench(restricted)


def test_the_server_says_so_at_its_start(restricted: LocalCloud) -> None:
    assert "does not allow unprivileged user namespaces" in restricted.log.read_text()


def test_code_layers_and_tmp_are_found_without_the_paths_of_aws(bench: Bench) -> None:
    layer = bench.layer({"python/one.py": "name = 'from the layer'"})
    name = bench.function(
        "import one, os, tempfile, boto3\n"
        "def handler(event, context):\n"
        "    task = os.environ['LAMBDA_TASK_ROOT']\n"
        "    return [one.name, os.getcwd() == task, os.path.exists(task + '/app.py'), tempfile.gettempdir()]\n",
        Layers=[layer],
    )
    from_layer, in_task, has_code, temporary = bench.invoke(name).value
    assert (from_layer, in_task, has_code) == ("from the layer", True, True)
    assert temporary.startswith(str(bench.cloud.state_dir))
    assert Path(temporary).is_dir()
