#!/usr/bin/env bash
# apache-arrow for JavaScript: tables put together with concat.
#
# Guess: concat matches columns by name and throws where names or types differ, as the constructor of Table
# does.
# Found (apache-arrow 21.2.0): it looks at neither. The second table's columns are taken by position and
# labelled with the first table's types: two tables with the same columns in another order are mixed up, 1.500
# becomes 15.00. The constructor throws in the first case, but takes decimals of any precision and scale for
# one type.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes > /dev/null
npm install --silent --save-exact --no-audit --no-fund --ignore-scripts apache-arrow@21.2.0
cat > finding.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Decimal, Int32, Table, Utf8, vectorFromArray } from 'apache-arrow';

let failed = 0;
function expect(what, found, stated) {
  console.log(`${what}: ${JSON.stringify(found)}`);
  if (JSON.stringify(found) === JSON.stringify(stated)) return;
  failed++;
  console.log(`  DIFFERS, stated: ${JSON.stringify(stated)}`);
}

console.log('apache-arrow', JSON.parse(readFileSync('node_modules/apache-arrow/package.json', 'utf8')).version);
const kind = ({ schema }) => schema.fields.map((field) => `${field}`);
const rows = (table) => table.toArray().map((row) => row.toJSON());
const message = (action) => {
  try {
    return `${action()}`;
  } catch (error) {
    return error.message;
  }
};

const first = new Table({ id: vectorFromArray([1], new Int32()), text: vectorFromArray(['a'], new Utf8()) });
const second = new Table({ text: vectorFromArray(['b'], new Utf8()), id: vectorFromArray([2], new Int32()) });
const both = first.concat(second);
expect('other order, columns', kind(both), ['id: Int32', 'text: Utf8']);
expect('other order, rows', rows(both), [
  { id: 1, text: 'a' },
  { id: 'b', text: 2 },
]);
expect(
  'other order, constructor',
  message(() => new Table([...first.batches, ...second.batches])),
  'Table and inner RecordBatch schemas must be equivalent.',
);

const decimals = (scale, digits) =>
  new Table({ price: vectorFromArray([Uint32Array.of(digits, 0, 0, 0)], new Decimal(scale, 10, 128)) });
const cents = decimals(2, 150);
const mills = decimals(3, 1500);
const values = (table) =>
  [...table.getChild('price')].map(([low]) => low / 10 ** table.schema.fields[0].type.scale);
expect('decimals alone', [...values(cents), ...values(mills)], [1.5, 1.5]);
expect('decimals, concat', values(cents.concat(mills)), [1.5, 15]);
expect('decimals, constructor', values(new Table([...cents.batches, ...mills.batches])), [1.5, 15]);
process.exitCode = failed > 0 ? 1 : 0;
JS
node finding.mjs
