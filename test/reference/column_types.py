"""Small Parquet files with the types that Arrow has no equal for, as pyarrow and DuckDB write them: golden/types.

    python column_types.py files ../golden/types

What readers make of files of such types, and of what `read.parquet` and `write.parquet` make of them, as a table:

    python column_types.py table FOLDER ../../docs/types.md     # FOLDER is made

pandas, polars, DuckDB, pyarrow and datasets are asked; Spark too, where pyspark and Java are there.
"""

import datetime
import decimal
import json
import os
import subprocess
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DOCIDS = list("abcde")
FAR = [
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime.datetime(1, 1, 1),
    None,
    datetime.datetime(1960, 5, 5, 1, 2, 3, 4),
    datetime.datetime(2024, 1, 2),
]


def dictionary(values, kind):
    return pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0, 0], pa.int8()), pa.array(values, kind))


def dictionaries():
    """Dictionaries of types that the Rust decoder has no dictionaries of, and of some that it has."""
    day = datetime.datetime(2020, 1, 1)
    return {
        "bool": dictionary([True, False], pa.bool_()),
        "decimal": dictionary([decimal.Decimal("1.5"), decimal.Decimal("-2.5")], pa.decimal128(5, 2)),
        "fixed": dictionary([b"ab", b"cd"], pa.binary(2)),
        "float16": dictionary(np.array([1, 2], np.float16), pa.float16()),
        "duration": dictionary([1, 2], pa.duration("us")),
        "zoned": dictionary([day, day], pa.timestamp("us", "Europe/Berlin")),
        "text": dictionary(["x", "y"], pa.string()),
        "int": dictionary([5, 7], pa.int64()),
    }


def others():
    return {
        "date64": pa.array([0, 86_400_000, None, 0, 0], pa.date64()),
        "seconds": pa.array([1, 2, None, 0, 0], pa.timestamp("s", "UTC")),
        "time32": pa.array([1, 2, None, 0, 0], pa.time32("s")),
        "view": pa.array(list("vwxyz"), pa.string_view()),
    }


def files(folder):
    def write(name, columns, **how):
        pq.write_table(pa.table({"docid": DOCIDS, **columns}), f"{folder}/{name}.parquet", **how)

    nested = pa.array([[t] if t else [] for t in FAR], pa.list_(pa.timestamp("us")))
    write(
        "int96",
        {"time": pa.array(FAR, pa.timestamp("us")), "times": nested},
        use_deprecated_int96_timestamps=True,
        store_schema=False,
    )
    nanoseconds = pa.array([1, 1001, None, -1, 0], pa.timestamp("ns"))
    write("int96-ns", {"time": nanoseconds}, use_deprecated_int96_timestamps=True, store_schema=False)
    write("arrow", {**dictionaries(), **others()})
    # Of a schema with this type the JavaScript library reads nothing: the others must not lose their types.
    write("list-view", {"list": pa.array([[1, 2], None, [], [3], [4]], pa.list_view(pa.int64()))})
    views = pa.large_list_view(pa.struct([("inner", pa.list_view(pa.int8()))]))
    beside = {
        "views": pa.array([[{"inner": [1]}], None, [], [{"inner": None}], []], views),
        "duration": pa.array([1, None, 3, 4, 5], pa.duration("ns")),
        "fixed": pa.array([[1, None], None, [3, 4], [5, 6], [7, 8]], pa.list_(pa.float32(), 2)),
        "category": dictionary(["x", "y"], pa.string()),
    }
    write("list-view-beside", beside)
    invalid = pa.array([b"fine", b"caf\xe9", None, "ü".encode(), b"\xc3"])
    columns = {
        "text": invalid.view(pa.string()),
        "site": pa.DictionaryArray.from_arrays([0, 0, 1, 0, 0], pa.array([b"ok", b"\xff"]).view(pa.string())),
        "tags": pa.ListArray.from_arrays([0, 1, 2, 3, 4, 5], invalid.view(pa.string())),
    }
    write("invalid-text", columns)
    duckdb.sql(
        f"""copy (select 'a' docid, '0f8fad5b-d9cb-469f-a165-70867728950e'::uuid uuid, '{{"a": 1}}'::json json,
        {{'a': 1}}::variant variant, 'POINT(1 2)'::geometry point, '01:02:03+02'::timetz timetz,
        interval '5 months 2 days 3 seconds' span, ['0f8fad5b-d9cb-469f-a165-70867728950e'::uuid] uuids,
        {{'span': interval '3 months'}} nested) to '{folder}/logical.parquet'"""
    )


ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def columns_of_table():
    """Files of one column each: what the column is called in the table, and its file."""
    times = pa.array(FAR, pa.timestamp("us"))
    arrow = {
        "string, large_string": pa.array(["x", None], pa.large_string()),
        "string_view": pa.array(["x", None], pa.string_view()),
        "binary, fixed binary": pa.array([b"ab", None], pa.binary(2)),
        "bool, integers, floats": pa.array([2**64 - 1, None], pa.uint64()),
        "float16": pa.array(np.array([1.5, 2], np.float16)),
        "decimal": pa.array([decimal.Decimal("12345678901234567890.12"), None], pa.decimal128(38, 2)),
        "date32": pa.array([datetime.date(2024, 1, 2), None], pa.date32()),
        "date64": pa.array([86_400_000, None], pa.date64()),
        "timestamp, seconds": pa.array([1, None], pa.timestamp("s", "UTC")),
        "timestamp, with a zone": pa.array([1, None], pa.timestamp("us", "Europe/Berlin")),
        "timestamp, nanoseconds": pa.array([1, None], pa.timestamp("ns")),
        "time of day": pa.array([1, None], pa.time64("us")),
        "duration": pa.array([1, None], pa.duration("us")),
        "list, large_list": pa.array([[1], None], pa.large_list(pa.int64())),
        "list_view": pa.array([[1], None], pa.list_view(pa.int64())),
        "fixed-size list": pa.array([[1, 2], None], pa.list_(pa.float32(), 2)),
        "struct": pa.array([{"a": 1}, None]),
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
        "dictionary of text": dictionary(["x", "y"], pa.string()),
        "dictionary of bool, decimal, fixed binary, float16": dictionary([True, False], pa.bool_()),
        "dictionary of duration": dictionary([1, 2], pa.duration("us")),
    }
    for name, values in arrow.items():
        yield name, lambda path, values=values: pq.write_table(pa.table({"x": values}), path)
    int96 = {"use_deprecated_int96_timestamps": True, "store_schema": False}
    recent = pa.table({"x": times.slice(3)})
    yield "INT96", lambda path: pq.write_table(recent, path, **int96)
    yield "INT96, years 1 and 9999", lambda path: pq.write_table(pa.table({"x": times}), path, **int96)
    duck = {
        "UUID": "'0f8fad5b-d9cb-469f-a165-70867728950e'::uuid",
        "JSON": """'{"a": 1}'::json""",
        "VARIANT": "{'a': 1}::variant",
        "GEOMETRY, with the key geo": "'POINT(1 2)'::geometry",
        "TIME in UTC": "'01:02:03+02'::timetz",
        "INTERVAL": "interval '5 months 2 days'",
        "ENUM": "'x'::enum('x', 'y')",
    }
    for name, value in duck.items():
        yield name, lambda path, value=value: duckdb.sql(f"copy (select {value} x) to '{path}'")


def huggingface(path):
    import datasets

    names = datasets.Features({"x": datasets.ClassLabel(names=["neg", "pos"])})
    datasets.Dataset.from_dict({"x": [1, 0]}, features=names).to_parquet(path)


def pandas_index(path):
    import pandas as pd

    pd.DataFrame({"x": pd.array([1, None], "Int64")}, index=[5, 7]).to_parquet(path)


def copy(source, target):
    """Reads and writes a file with the product."""
    config = f"{target}.yaml"
    stages = [
        {"use": "read.parquet", "with": {"path": source}},
        {"use": "write.parquet", "with": {"path": target}},
    ]
    with open(config, "w") as file:
        json.dump({"version": 1, "stages": stages}, file)
    main = os.path.join(ROOT, "dist", "bin", "main.js")
    ended = subprocess.run(["node", main, "run", config], capture_output=True, text=True)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.strip().splitlines()[-1])


def readers(folder):
    """Each gives a type and values of the column x, as text."""
    import datasets
    import pandas as pd
    import polars as pl

    datasets.disable_progress_bars()

    def arrow(path):
        table = pq.read_table(path)
        return str(table.schema.field("x").type), str(table["x"].to_pylist())

    def pandas(path):
        frame = pd.read_parquet(path)
        return str(frame["x"].dtype), str([list(frame.columns), frame.index.tolist(), frame["x"].tolist()])

    def polars(path):
        frame = pl.read_parquet(path)
        return str(frame.schema["x"]), str(frame["x"].to_list())

    def duck(path):
        found = duckdb.sql(f"select * from '{path}'")
        return str(found.types[0]), str(found.fetchall())

    def hugging(path):
        cache = os.path.join(folder, "cache", os.path.basename(os.path.dirname(path)))
        dataset = datasets.Dataset.from_parquet(path, cache_dir=cache)
        return str(dataset.features["x"]), str(dataset["x"][:])

    found = {"pyarrow": arrow, "pandas": pandas, "polars": polars, "DuckDB": duck, "datasets": hugging}
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return found
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = spark.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    spark = spark.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")

    def sparks(path):
        frame = spark.read.parquet(path)
        return frame.dtypes[0][1], str(frame.collect())

    return {**found, "Spark": sparks}


def asked(read, path):
    try:
        return read(path)
    except BaseException as error:  # polars panics
        return "cannot", type(error).__name__


def cell(before, after):
    if before[0] == after[0] == "cannot":
        return "cannot, either"
    if before[0] == "cannot":
        return "reads the copy only"
    if before == after:
        return "same"
    return f"{'' if before[1] == after[1] else 'values too: '}{before[0]} → {after[0]}"


def table(folder, target):
    made = {"in": os.path.join(folder, "in"), "out": os.path.join(folder, "out")}
    for path in made.values():
        os.makedirs(path)
    asking = readers(folder)
    lines = [f"| type of the input | {' | '.join(asking)} |", "|---" * (len(asking) + 1) + "|"]
    keys = [("ClassLabel (the key huggingface)", huggingface), ("pandas' index and Int64 (the key pandas)", pandas_index)]
    for number, (name, write) in enumerate([*columns_of_table(), *keys]):
        before, after = (os.path.join(made[side], f"{number}.parquet") for side in ("in", "out"))
        write(before)
        copy(before, after)
        cells = [cell(asked(read, before), asked(read, after)) for read in asking.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    with open(target) as file:
        text = file.read()
    start, end = "<!-- table -->\n", "<!-- end of the table -->"
    head, rest = text.split(start)
    with open(target, "w") as file:
        file.write(head + start + "\n".join(lines) + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"files": files, "table": table}[command](*arguments)
