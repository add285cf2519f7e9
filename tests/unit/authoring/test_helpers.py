"""What a train.py may import besides ``train``: checkpoints, clusters, weights."""

from pathlib import Path

import numpy as np
import pandas as pd

from trimtab.authoring import balanced_weights, checkpoint_folder, cluster, keep, newest
from trimtab.authoring.cluster import Cluster


def test_there_are_checkpoints_only_where_the_job_keeps_them(tmp_path: Path) -> None:
    assert checkpoint_folder({}) is None
    folder = checkpoint_folder({"TRIMTAB_CHECKPOINTS": str(tmp_path / "kept")})
    assert folder is not None
    assert folder.is_dir()
    keep(None, "round-1", b"nowhere")
    assert newest(None, "*") is None


def test_the_newest_checkpoint_is_the_last_by_name_and_whole(tmp_path: Path) -> None:
    assert newest(tmp_path, "round-*") is None
    for number in (10, 2, 7):
        keep(tmp_path, f"round-{number:03d}", str(number).encode())
    (tmp_path / ".round-011.part").write_bytes(b"cut off")
    found = newest(tmp_path, "*round-*")
    assert found is not None
    assert found.read_bytes() == b"10"


def test_shards_are_disjoint_and_together_all_rows() -> None:
    table = pd.DataFrame({"x": range(11)})
    environment = {"SM_HOSTS": '["algo-2", "algo-1"]'}
    shards = [
        Cluster.of_environment(environment | {"SM_CURRENT_HOST": host}).shard(table) for host in ("algo-1", "algo-2")
    ]
    assert [len(shard) for shard in shards] == [6, 5]
    assert sorted(pd.concat(shards)["x"]) == list(range(11))
    assert Cluster.of_environment(environment | {"SM_CURRENT_HOST": "algo-1"}).is_first
    assert not Cluster.of_environment(environment | {"SM_CURRENT_HOST": "algo-2"}).is_first


def test_one_host_alone_needs_no_other() -> None:
    with cluster({}) as hosts:
        assert hosts.is_first
        assert len(hosts.shard(pd.DataFrame({"x": [1, 2]}))) == 2


def test_balanced_weights_give_every_class_the_same_total() -> None:
    label = pd.Series([0] * 8 + [1] * 2)
    weights = balanced_weights(label)
    assert np.isclose(weights.mean(), 1)
    assert np.isclose(weights[:8].sum(), weights[8:].sum())
