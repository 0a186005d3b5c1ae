import { DataType, type Field, Precision } from 'apache-arrow';

/**
 * A type as Spark's JSON of schemas has it, where it would read such a column of Parquet so; undefined where it reads
 * none. Source: Spark 4, ParquetToSparkSchemaConverter.
 */
export function sparkType(type: DataType): unknown {
  if (DataType.isDictionary(type)) return sparkType(type.dictionary);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return 'string';
  if (DataType.isBool(type)) return 'boolean';
  if (DataType.isInt(type)) return integerType(type.bitWidth, type.isSigned);
  if (DataType.isFloat(type))
    return type.precision === Precision.HALF
      ? undefined
      : type.precision === Precision.SINGLE
        ? 'float'
        : 'double';
  if (DataType.isDate(type)) return 'date';
  if (DataType.isTimestamp(type)) return type.timezone ? 'timestamp' : 'timestamp_ntz';
  if (DataType.isDecimal(type)) return `decimal(${type.precision},${type.scale})`;
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type))
    return 'binary';
  return nestedType(type);
}

function nestedType(type: DataType): unknown {
  if (DataType.isStruct(type)) {
    const fields = type.children.map((field: Field) => ({
      name: field.name,
      type: sparkType(field.type),
      nullable: true,
      metadata: {},
    }));
    return fields.some((field) => field.type === undefined) ? undefined : { type: 'struct', fields };
  }
  const isList = DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type);
  if (isList) {
    const elementType = sparkType((type.children as Field[])[0]!.type);
    return elementType === undefined ? undefined : { type: 'array', elementType, containsNull: true };
  }
  if (!DataType.isMap(type)) return undefined;
  const [keyType, valueType] = type.childType.children.map((field: Field) => sparkType(field.type));
  if (keyType === undefined || valueType === undefined) return undefined;
  return { type: 'map', keyType, valueType, valueContainsNull: true };
}

/** Unsigned integers are read as the next wider type. */
function integerType(bits: number, signed: boolean): string {
  const names = new Map([
    [8, 'byte'],
    [16, 'short'],
    [32, 'integer'],
    [64, 'long'],
  ]);
  return names.get(signed ? bits : 2 * bits) ?? 'decimal(20,0)';
}
