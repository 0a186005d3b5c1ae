import { Binary, Field, type Schema, Schema as SchemaOf, Utf8 } from 'apache-arrow';
import { type Batch, emptyColumns, hasColumn } from '../batch.js';
import type { OpenSource } from '../component.js';
import { NagError } from '../errors.js';
import type { Node } from '../plan.js';
import type { Known } from '../preview.js';
import type { Run } from '../run.js';
import { jointOf } from '../several-sources.js';
import { atStage } from '../stage-error.js';

/**
 * Sends batches without rows through all stages that can tell what comes out of them. What they throw is returned; of
 * what comes behind a stage that threw, or that cannot tell, nothing is said.
 */
export async function columnFaults(run: Run): Promise<NagError[]> {
  const known = new Map<string, Known>();
  const faults: NagError[] = [];
  for (const node of run.plan.nodes.values()) {
    run.signal.throwIfAborted();
    try {
      known.set(node.id, await knownOf(node, known, run));
    } catch (error) {
      const own = atStage(error, node);
      if (run.signal.aborted || !(own instanceof NagError)) throw own;
      faults.push(own);
    }
  }
  return faults;
}

async function knownOf(node: Node, known: ReadonlyMap<string, Known>, run: Run): Promise<Known> {
  const { component, options, inputs, id } = node;
  if (component.kind === 'source') {
    const source = run.sources.get(id);
    return source && rowless(source);
  }
  const above = inputs.main.map((input) => known.get(input));
  const input = above.flatMap((batches) => batches ?? []);
  if (!component.preview || input.length === 0 || above.includes(undefined)) return undefined;
  const sides = new Map([...inputs.sides].map(([name, ids]) => [name, ids.map((own) => known.get(own))]));
  const joint = inputs.main.length > 1 && jointOf(node, { columns: 'all' }, run.plan, run.sources);
  const alike = joint ? input.map(joint) : input;
  // What a stage has to say it says when it runs.
  const context = { ...run.contextOf(node), note: () => undefined };
  return await component.preview(alike, options, context, sides);
}

/** A batch of a source without rows, or one of each kind of its files; undefined where its columns cannot be made so. */
function rowless({ schema, roles, bundles, kinds }: OpenSource): Known {
  const [bundle] = bundles;
  if (!bundle) return undefined;
  // A role's column that is not in the files is put together for it.
  const made = Object.values(roles).filter((name) => name?.startsWith('#') && !hasColumn(schema, name));
  const fields = [...plainFields(schema), ...made.map((name) => new Field(String(name), new Utf8(), true))];
  const none = new Set<string>();
  try {
    return (kinds ?? [{ bundle, metadata: schema.metadata }]).map((kind) => ({
      columns: emptyColumns(new SchemaOf(fields, kind.metadata)),
      bundle: kind.bundle,
      rows: new Uint32Array(0),
      computed: none,
      removed: none,
      roles,
    }));
  } catch {
    return undefined;
  }
}

/** Columns as batches have them: what files store as views is decoded as the plain type. */
function plainFields(schema: Schema): Field[] {
  return schema.fields.map((field) => {
    const name = String(field.type);
    const type = name === 'Utf8View' ? new Utf8() : name === 'BinaryView' ? new Binary() : undefined;
    return type ? new Field(field.name, type, field.nullable, field.metadata) : field;
  });
}

/** For previews: what a function makes of each batch. */
export function eachBatch(input: readonly Batch[], work: (batch: Batch) => Batch): Known {
  return input.map(work);
}
