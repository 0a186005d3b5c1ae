"""Selection by ready distances in DuckDB: duckdb_ranker.py FOLDER FRACTION THREADS

Joins documents.parquet with features.parquet, adds up tokens in the order of the distances, and copies what is within the
budget to duckdb.parquet.
"""

import sys

import duckdb

folder, fraction, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
database = duckdb.connect(config={"threads": threads})
database.execute(f"""
COPY (
  WITH joined AS (
    SELECT documents.*, nag_distance
    FROM read_parquet('{folder}/documents.parquet') documents JOIN read_parquet('{folder}/features.parquet') USING (docid)
  ), ranked AS (
    SELECT *, sum(token_num) OVER (ORDER BY nag_distance, docid ROWS UNBOUNDED PRECEDING) AS used,
      sum(token_num) OVER () AS total
    FROM joined
  )
  SELECT * EXCLUDE (used, total) FROM ranked WHERE used <= trunc(total * {fraction}) ORDER BY nag_distance, docid
) TO '{folder}/duckdb.parquet' (FORMAT parquet, COMPRESSION zstd)
""")
