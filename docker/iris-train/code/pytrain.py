"""Trains a linear support vector classifier on /pfs/training/iris.csv and writes it to /pfs/out/model.pkl."""

import os
import sys

import joblib
import pandas
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

SOURCE = os.environ.get("IRIS_CSV", "/pfs/training/iris.csv")
TARGET = os.environ.get("MODEL_PATH", "/pfs/out/model.pkl")
LABEL_NAMES = {"species", "class", "variety", "target", "label"}
NUMBER_NAMES = {"id", "index", "unnamed: 0"}


def read_table(path):
    """Reads the rows with or without a header line: a first line of measurements is no header."""
    with open(path, encoding="utf-8-sig") as file:
        first = file.readline().strip().split(",")
    header = None if all(is_number(value) for value in first[:-1]) else "infer"
    return pandas.read_csv(path, skipinitialspace=True, header=header).dropna(how="all")


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_columns(table):
    """Returns measurements and labels, whatever the columns are called."""
    names = {column: str(column).strip().lower() for column in table.columns}
    known = [column for column in table.columns if names[column] in LABEL_NAMES]
    words = [column for column in table.columns if table[column].dtype == object]
    label = (known or words or [table.columns[-1]])[0]
    dropped = [column for column in table.columns if names[column] in NUMBER_NAMES]
    return table.drop(columns=[label, *dropped]), table[label].astype(str).str.strip()


def main():
    features, labels = split_columns(read_table(SOURCE))
    train_x, test_x, train_y, test_y = train_test_split(
        features.to_numpy(dtype=float), labels.to_numpy(dtype=str), test_size=0.3, random_state=1, stratify=labels
    )
    model = SVC(kernel="linear", C=1.0, random_state=0)
    model.fit(train_x, train_y)
    print(f"rows {len(labels)}")
    print(f"accuracy {accuracy_score(test_y, model.predict(test_x)):.3f}")
    joblib.dump(model, TARGET)


if __name__ == "__main__":
    sys.exit(main())
