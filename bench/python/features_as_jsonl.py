"""Writes target.parquet and features.parquet of a folder as JSON lines in the reference's layout: features_as_jsonl.py FOLDER"""

import json
import pathlib
import sys

import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
for name in ("target", "features"):
    with open(folder / f"{name}.jsonl", "w") as out:
        for batch in pq.ParquetFile(folder / f"{name}.parquet").iter_batches(10_000):
            docids, features = (batch.column(c).to_pylist() for c in ("docid", "fwd_up_feature"))
            for docid, indices in zip(docids, features):
                out.write(json.dumps({"docid": docid, "fwd_up_feature": {"layer_topk_value_index": indices}}) + "\n")
