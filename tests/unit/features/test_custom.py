"""Transformations that the author wrote."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.declared import definition, training, types_of
from trimtab.features import FittedFeatures, learn_features
from trimtab.features.author import Author
from trimtab.features.step import FeatureError

SOURCE = """
def ratio(columns, offset=0.0):
    return columns.assign(ratio=columns["a"] / (columns["b"] + offset))[["ratio"]]


class Ranked:
    def __init__(self, top=1.0):
        self.top = top

    def fit(self, columns, label):
        return {"largest": float(columns["a"].max()), "positives": float(label.sum())}

    def transform(self, columns, learned):
        return (columns[["a"]] / learned["largest"]).clip(upper=self.top)


def words(columns):
    return columns.assign(a="word")


def short(columns):
    return columns.head(1)


class Forgetful:
    def fit(self, columns, label):
        return {"frame": columns}

    def transform(self, columns, learned):
        return columns


class Halved:
    def transform(self, columns, learned):
        return columns
"""
COLUMNS = {"a": np.array([1.0, 2.0, 4.0]), "b": np.array([2.0, 2.0, 0.0])}


@pytest.fixture
def author(tmp_path: Path) -> Author:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "features.py").write_text(SOURCE)
    return Author.of_folder(tmp_path / "code")


def learn(author: Author, name: str, **options: float) -> tuple[FittedFeatures, pd.DataFrame]:
    declared = definition(
        {"columns": ["a", "b"], "steps": [{"do": "custom", "name": name, "options": options}, {"do": "impute"}]}
    )
    return learn_features(declared, types_of(COLUMNS), COLUMNS, training(3), author)


def test_a_function_makes_columns_of_columns(author: Author) -> None:
    fitted, made = learn(author, "ratio", offset=2.0)
    assert made["ratio"].tolist() == [0.25, 0.5, 2.0]
    assert fitted.transform({"a": np.array([8.0]), "b": np.array([0.0])})["ratio"].tolist() == [4.0]


def test_a_class_learns_from_the_training_rows_only(author: Author, tmp_path: Path) -> None:
    fitted, made = learn(author, "Ranked", top=0.9)
    assert made["a"].tolist() == [0.25, 0.5, 0.9]
    fitted.write(tmp_path)
    again = FittedFeatures.read(tmp_path)
    assert again is not None
    assert again.transform({"a": np.array([1.0, 100.0]), "b": np.zeros(2)})["a"].tolist() == [0.25, 0.9]


def test_another_features_py_than_the_one_trained_with_is_refused(author: Author, tmp_path: Path) -> None:
    learn(author, "ratio")[0].write(tmp_path)
    (tmp_path / "code" / "features.py").write_text(SOURCE + "\n# changed\n")
    with pytest.raises(FeatureError, match="not the one that the model was trained with"):
        FittedFeatures.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "features.py does not define it"),
        ("words", "made what is no number"),
        ("short", "made 1 rows of 3"),
        ("Forgetful", "not JSON"),
        ("Halved", "needs fit and transform"),
    ],
)
def test_what_cannot_be_used_is_said(author: Author, name: str, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        learn(author, name)


def test_without_features_py_the_name_is_looked_for_nowhere() -> None:
    with pytest.raises(FeatureError, match=r"there is no features\.py"):
        learn(Author(), "ratio")


def test_the_digest_is_of_the_declaration_and_of_the_author_s_code(author: Author) -> None:
    assert learn(author, "ratio")[0].digest == learn(author, "ratio")[0].digest
    changed = Author(author.names, "another")
    assert learn(author, "ratio")[0].digest != learn(changed, "ratio")[0].digest
    assert learn(author, "ratio")[0].digest != learn(author, "ratio", offset=1.0)[0].digest
