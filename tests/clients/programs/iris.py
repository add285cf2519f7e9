"""A script-mode program in the form of AWS's examples: trained by its command line, served by `model_fn`."""

import argparse
import os

import joblib
import pandas as pd
from sklearn import tree

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max_leaf_nodes", type=int, default=-1)
    parser.add_argument("--output-data-dir", type=str, default=os.environ["SM_OUTPUT_DATA_DIR"])
    parser.add_argument("--model-dir", type=str, default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--train", type=str, default=os.environ["SM_CHANNEL_TRAIN"])
    args = parser.parse_args()

    files = sorted(os.path.join(args.train, name) for name in os.listdir(args.train))
    rows = pd.concat(pd.read_csv(file, header=None, engine="python") for file in files)
    classifier = tree.DecisionTreeClassifier(max_leaf_nodes=args.max_leaf_nodes)
    classifier.fit(rows.iloc[:, 1:], rows.iloc[:, 0])  # the label is the first column
    joblib.dump(classifier, os.path.join(args.model_dir, "model.joblib"))


def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
