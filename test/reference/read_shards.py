"""Reads shards that write.jsonl wrote as the reference reads its own: python read_shards.py SHARDS_DIR FEATURES.parquet

Checks that every record is {"docid": str, "<type>_feature": {"layer_topk_value_index": [ints]}} with json and NumPy
alone, and that docids and indices are those of the same run's Parquet file, read with pyarrow.
"""

import json
import pathlib
import sys

import numpy as np
import pyarrow.parquet as pq


def main(shards, features):
    rows = [
        json.loads(line)
        for path in sorted(pathlib.Path(shards).glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    table = pq.read_table(features)
    types = [name for name in table.column_names if name.endswith("_feature")]
    assert rows and types
    for row in rows:
        assert isinstance(row["docid"], str), row["docid"]
        assert all(list(row[name]) == ["layer_topk_value_index"] for name in types)
    docids = table["docid"].to_pylist()
    assert [row["docid"] for row in rows] == docids
    for name in types:
        read = np.array([row[name]["layer_topk_value_index"] for row in rows])
        assert read.dtype.kind == "i" and np.array_equal(read, np.array(table[name].to_pylist())), name
    print(f"{len(rows)} records, {', '.join(types)}: {read.shape[1]} indices each, all equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
