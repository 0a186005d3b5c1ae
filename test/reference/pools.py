"""What DuckDB (union_by_name) and pyarrow read from shards that differ, and from folders: python pools.py ../golden/pools

Each case is the bytes of two Parquet files of pyarrow or pandas, and the rows that DuckDB gives for both, as JSON with the
columns in its order. DuckDB has no large strings, dictionaries or null type of its own: only values are compared.
"""
import base64, datetime, decimal, io, json, os, sys, tempfile
import duckdb, pandas as pd, pyarrow as pa, pyarrow.dataset, pyarrow.parquet as pq

U = datetime.timezone.utc
text = ['a', None, 'ä€', '']
date = datetime.date(2024, 2, 29)
when = datetime.datetime(2024, 2, 29, 1, 2, 3)
D = decimal.Decimal


def column(values, type=None):
    return pa.table({'x': pa.array(values, type)})


def category(values):
    return pa.Table.from_pandas(pd.DataFrame({'x': pd.Categorical(values)}), preserve_index=False)


cases = {
    'column order': (pa.table({'a': [1], 'b': ['x']}), pa.table({'b': ['y'], 'a': [2]})),
    'new column': (pa.table({'a': [1]}), pa.table({'b': ['y'], 'a': [2]})),
    'nothing in common': (pa.table({'a': [1]}), pa.table({'b': ['y']})),
    'large string': (column(text), column(text, pa.large_string())),
    'string view': (column(text, pa.string_view()), column(text)),
    'dictionary and string': (column(text).set_column(0, 'x', pa.array(text).dictionary_encode()), column(text)),
    'categories of pandas': (category([f'a{i}' for i in range(100)]), category([f'b{i}' for i in range(100)] + [None])),
    'categories of integers': (category([1, 2, None]), category([3, 2])),
    'null type': (column([None, None], pa.null()), column(text)),
    'null and structs': (column([None], pa.null()), column([{'a': 1}])),
    'int32 and int64': (column([1, None, -2**31], pa.int32()), column([2**62 + 1, 3], pa.int64())),
    'uint8 and int8': (column([255], pa.uint8()), column([-128, None], pa.int8())),
    'uint32 and int32': (column([2**32 - 1], pa.uint32()), column([-1], pa.int32())),
    'int64 and double': (column([1, 2**53, None]), column([.5, None])),
    'int8 and float': (column([-7], pa.int8()), column([.1], pa.float32())),
    'float and double': (column([.1, None], pa.float32()), column([.1])),
    'decimals': (column([D('1.5'), D('-99.9')], pa.decimal128(3, 1)), column([D('0.125'), None], pa.decimal128(20, 3))),
    'decimal and int': (column([D('1.50')], pa.decimal128(5, 2)), column([-7, 2**31], pa.int64())),
    'dates and timestamps': (column([date, None]), column([when], pa.timestamp('us'))),
    'milliseconds and microseconds': (column([when, datetime.datetime(1, 1, 1)], pa.timestamp('ms')), column([when.replace(microsecond=7)], pa.timestamp('us'))),
    'with a zone': (column([when.replace(tzinfo=U)], pa.timestamp('ms', 'UTC')), column([when.replace(tzinfo=U)], pa.timestamp('us', 'UTC'))),
    'times of day': (column([datetime.time(1, 2, 3)], pa.time32('ms')), column([datetime.time(4, 5, 6, 7)], pa.time64('us'))),
    'fields of structs': (column([{'url': 'u'}, None]), column([{'date': 'd', 'url': None}])),
    'structs in structs': (column([{'a': {'b': 1}}]), column([{'a': {'c': 'x', 'b': None}}, {'a': None}])),
    'lists of other widths': (column([[1, None], None, []], pa.list_(pa.int32())), column([[2**40]], pa.large_list(pa.int64()))),
    'lists of structs': (column([[{'a': 1}]]), column([[{'a': 2, 'b': 'x'}], []])),
    'fixed and plain lists': (column([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), column([[5], None])),
    'binary': (column([b'ab', None], pa.binary(2)), column([b'abc'], pa.large_binary())),
    'dictionaries inside': (
        pa.table({'x': pa.array([{'a': 'u', 'b': ['v']}, None], pa.struct([('a', pa.dictionary(pa.int8(), pa.string())), ('b', pa.list_(pa.dictionary(pa.int8(), pa.string())))])), 'y': pa.array(['p', 'q']).dictionary_encode()}),
        pa.table({'y': pa.array(['r', None]).dictionary_encode(), 'x': pa.array([{'a': 's', 'b': ['t', 's']}] * 2, pa.struct([('a', pa.dictionary(pa.int8(), pa.string())), ('b', pa.list_(pa.string()))]))}),
    ),
    'booleans': (column([True, None, False]), column([None, True])),
    'not null': (pa.table([pa.array(['a'])], pa.schema([pa.field('x', pa.string(), False)])), column(text)),
    'maps': (column([[('k', 1)]], pa.map_(pa.string(), pa.int32())), column([[('l', 2**40)], None], pa.map_(pa.string(), pa.int64()))),
}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, D):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            return value.astimezone(U).replace(tzinfo=None).isoformat(timespec='microseconds') + 'Z'
        return value.isoformat(timespec='microseconds')
    if isinstance(value, datetime.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    return value.isoformat() if isinstance(value, datetime.date) else value


def case(tables):
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for i, table in enumerate(tables):
            buffer = io.BytesIO()
            pq.write_table(table, buffer, compression='zstd', write_statistics=False)
            files.append(base64.b64encode(buffer.getvalue()).decode())
            open(f'{folder}/{i}.parquet', 'wb').write(buffer.getvalue())
        duckdb.sql("set timezone = 'UTC'")
        found = duckdb.sql(f"select * from read_parquet('{folder}/*.parquet', union_by_name=true)")
        rows = [dict(zip(found.columns, map(plain, row))) for row in found.fetchall()]
    return {'files': files, 'rows': rows}


def write(name, value):
    json.dump(value, open(f'{sys.argv[1]}/{name}.json', 'w'), ensure_ascii=False, indent=0)


write('shards', {name: case(tables) for name, tables in cases.items()})

# Paths whose folders name columns, each of a file of one row; rows and types by DuckDB, but where it reads no column.
layouts = {
    'integers': (['n=10/a', 'n=-2/a', 'n=0/b'], 'duckdb'),
    'integers that are no numbers': (['n=01/a', 'n=2/a'], 'duckdb'),
    'past 2^53': (['n=9007199254740993/a', 'n=-9223372036854775808/a'], 'duckdb'),
    'past 64 bits': (['n=18446744073709551615/a'], 'duckdb'),
    'dates': (['day=2024-02-29/a', 'day=1969-12-31/a'], 'duckdb'),
    'no dates': (['day=2024-02-30/a', 'day=2024-02-29/a'], 'duckdb'),
    'null': (['n=__HIVE_DEFAULT_PARTITION__/a', 'n=2/a'], 'duckdb'),
    'text and integers': (['n=x/a', 'n=2/a'], 'duckdb'),
    'true, 1.5, +1, a sign': (['a=true/b=1.5/c=+1/d=a+b/a'], 'duckdb'),
    'empty': (['n=/a'], 'duckdb'),
    'several folders': (['year=2024/lang=en/a', 'year=2023/lang=de/b'], 'duckdb'),
    'encoded': (['lang=a%20b%2Fc/a', 'lang=%C3%A4=x/b'], 'pyarrow'),
    'some files only': (['lang=en/a', 'b'], 'pyarrow'),
    'other folders between': (['x/lang=en/y/a', 'x/lang=de/y/a'], 'duckdb'),
    'hidden folders': (['lang=en/a', '_temporary/lang=de/a', '.old/lang=de/a'], 'pyarrow'),
}


def layout(paths, by):
    with tempfile.TemporaryDirectory() as folder:
        for i, path in enumerate(paths):
            os.makedirs(os.path.dirname(f'{folder}/{path}'), exist_ok=True)
            pq.write_table(pa.table({'docid': [str(i)]}), f'{folder}/{path}.parquet')
        if by == 'duckdb':
            found = duckdb.sql(f"select * from read_parquet('{folder}/**/*.parquet', union_by_name=true, hive_partitioning=true) order by docid")
            rows = [dict(zip(found.columns, map(plain, row))) for row in found.fetchall()]
        else:
            rows = pyarrow.dataset.dataset(folder, partitioning='hive').to_table().sort_by('docid').to_pylist()
    return {'paths': paths, 'rows': [{k: str(v) if type(v) == int else v for k, v in row.items()} for row in rows]}


write('layouts', {name: layout(*made) for name, made in layouts.items()})

# Files without rows: as pandas and pyarrow write them, with one row group of none, and between others.
full = pa.table({'docid': ['a'], 'doc': ['the text of it'], 'token_num': [3.0], 'lang': ['en']})


def file_of(*tables):
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, tables[0].schema, compression='zstd', write_statistics=False) as writer:
        for table in tables:
            writer.write_table(table)
    return base64.b64encode(buffer.getvalue()).decode()


none = full.slice(0, 0)
frame = io.BytesIO()
full.to_pandas().assign(kind=pd.Categorical(['x'])).iloc[:0].to_parquet(frame)
write('empty', {'pandas': base64.b64encode(frame.getvalue()).decode(), 'pyarrow': file_of(none), 'between': file_of(none, full, none)})
