"""What a train.py may import besides ``train``: checkpoints, clusters, weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from trimtab.authoring import balanced_weights, checkpoint_folder, cluster, keep, newest, restore_odds
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


@pytest.mark.parametrize(
    "model", [HistGradientBoostingClassifier(max_iter=30), LogisticRegression()], ids=["boosting", "logistic"]
)
def test_a_weighted_model_answers_with_the_odds_of_the_data_once_they_are_restored(model: Any) -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"x": random.random(4_000)})
    label = pd.Series((random.random(4_000) < 0.2 * rows["x"]).astype("int64"))
    weighted = model.fit(rows, label, sample_weight=balanced_weights(label))
    assert weighted.predict_proba(rows)[:, 1].mean() == pytest.approx(0.5, abs=0.1)
    order = weighted.predict_proba(rows)[:, 1].argsort(kind="stable")
    restored = restore_odds(weighted, label)
    assert restored.predict_proba(rows)[:, 1].mean() == pytest.approx(label.mean(), rel=0.05)
    assert (restored.predict_proba(rows)[:, 1][order][1:] >= restored.predict_proba(rows)[:, 1][order][:-1]).all()


def test_a_model_whose_constant_is_not_known_is_refused() -> None:
    with pytest.raises(TypeError, match="the odds of RandomForestClassifier are not known here"):
        restore_odds(RandomForestClassifier(), pd.Series([0, 1]))
