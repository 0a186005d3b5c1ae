import { Field, Float32, Int64, List, Schema, Uint16, Union, Utf8 } from 'apache-arrow';
import t from 'tap';
import { carriedKeys, relabelledColumn } from '../../sinks/footer-keys.js';

/** What is carried of some pairs to an output with these columns. */
function carried(pairs: Record<string, unknown>, fields: Field[]): Record<string, unknown> {
  const metadata = new Map(Object.entries(pairs).map(([key, value]) => [key, JSON.stringify(value)]));
  const keys = carriedKeys(new Schema(fields, metadata));
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, JSON.parse(value)]));
}

const label = new Field('label', new Int64());
const distance = new Field('nag_distance', new Float32());
const features = {
  label: { names: ['a', 'b'], _type: 'ClassLabel' },
  gone: { dtype: 'string', _type: 'Value' },
};

t.test('datasets: features of columns that are there', (t) => {
  t.strictSame(carried({ huggingface: { info: { features } } }, [label, distance]), {
    huggingface: { info: { features: { label: features.label } } },
  });
  t.strictSame(carried({ huggingface: { info: { features } } }, [distance]), {});
  t.end();
});

t.test('pandas: an index that is a column stays, a range does not', (t) => {
  const columns = [
    { name: 'label', field_name: 'label', numpy_type: 'Int64' },
    { name: null, field_name: '__index_level_0__', numpy_type: 'int64' },
    { name: 'gone', field_name: 'gone', numpy_type: 'object' },
  ];
  const pandas = { index_columns: ['__index_level_0__', { kind: 'range', start: 0, stop: 9 }], columns };
  const index = new Field('__index_level_0__', new Int64());
  t.strictSame(carried({ pandas }, [label, index]), {
    pandas: { index_columns: ['__index_level_0__'], columns: columns.slice(0, 2) },
  });
  t.strictSame(carried({ pandas }, [label]), {
    pandas: { index_columns: [], columns: columns.slice(0, 1) },
  });
  t.end();
});

t.test('GeoParquet: geometries that are there, without the box around all', (t) => {
  const column = { encoding: 'WKB', geometry_types: ['Point'], crs: null };
  const geo = {
    version: '1.1.0',
    primary_column: 'a',
    columns: { a: column, b: { ...column, bbox: [0, 0, 1, 1] } },
  };
  t.strictSame(carried({ geo }, [new Field('b', new Utf8())]), {
    geo: { version: '1.1.0', primary_column: 'b', columns: { b: column } },
  });
  t.end();
});

t.test('Spark: all columns are named, or none; its version and calendar stay', (t) => {
  const key = 'org.apache.spark.sql.parquet.row.metadata';
  const field = { name: 'label', type: 'interval month', nullable: false, metadata: { comment: 'x' } };
  const row = { [key]: { type: 'struct', fields: [field] }, 'org.apache.spark.version': '4.3.0', other: 1 };
  const list = new Field('fwd_up_feature', new List(new Field('item', new Uint16())));
  const version = { 'org.apache.spark.version': '4.3.0' };
  t.strictSame(carried(row, [distance, label, list]), {
    [key]: {
      type: 'struct',
      fields: [
        { name: 'nag_distance', type: 'float', nullable: true, metadata: {} },
        field,
        {
          name: 'fwd_up_feature',
          type: { type: 'array', elementType: 'integer', containsNull: true },
          nullable: true,
          metadata: {},
        },
      ],
    },
    ...version,
  });
  t.strictSame(carried(row, [label, new Field('odd', new Union(0, [], []))]), version);
  t.end();
});

t.test('keys that are no JSON, or of another shape', (t) => {
  const metadata = new Map([
    ['huggingface', '{'],
    ['pandas', '[]'],
    ['geo', '{"columns": 3}'],
    ['org.apache.spark.sql.parquet.row.metadata', '{}'],
  ]);
  t.strictSame(carriedKeys(new Schema([label], metadata)), {});
  t.end();
});

t.test('the same numbers for other classes', (t) => {
  const of = (names: string[]) =>
    new Schema(
      [label],
      new Map([
        ['huggingface', JSON.stringify({ info: { features: { label: { names, _type: 'ClassLabel' } } } })],
      ]),
    );
  t.strictSame(
    [relabelledColumn(of(['a', 'b']), of(['b', 'a'])), relabelledColumn(of(['a']), of(['a']))],
    ['label', undefined],
  );
  t.equal(relabelledColumn(of(['a']), new Schema([label])), undefined);
  t.end();
});
