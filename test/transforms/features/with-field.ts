import { type Data, type Field, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';

/** The batch with one more column, whose field keeps its metadata. */
export function withField(batch: RecordBatch, field: Field, data: Data): RecordBatch {
  const fields = [...batch.schema.fields, field];
  const children = [...batch.data.children, data];
  return new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: batch.numRows, nullCount: 0, children }),
  );
}
