"""Prints in % at how many places two Parquet files have the same docid: same_selection.py A B"""

import sys

import pyarrow.parquet as pq

first, second = (pq.read_table(file, columns=["docid"])["docid"].to_pylist() for file in sys.argv[1:3])
print(100 * sum(a == b for a, b in zip(first, second)) / max(len(first), len(second)))
