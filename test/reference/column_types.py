"""Small Parquet files with the types that Arrow has no equal for, as pyarrow and DuckDB write them: golden/types.

    python column_types.py files ../golden/types
"""

import datetime
import decimal
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
    # Without the others: of a schema with this type the JavaScript library reads nothing.
    write("list-view", {"list": pa.array([[1, 2], None, [], [3], [4]], pa.list_view(pa.int64()))})
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


if __name__ == "__main__":
    command, folder = sys.argv[1:]
    {"files": files}[command](folder)
