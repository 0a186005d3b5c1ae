/** What a stage of one's own imports: `import { defineTransform, z } from 'nag-pipeline'`. */
export * as arrow from 'apache-arrow';
export { z } from 'zod';
export {
  type Batch,
  type Bundle,
  findColumn,
  keepRows,
  placeOf,
  type Roles,
  roleColumn,
  withColumn,
  withoutColumns,
} from './batch.js';
export {
  type Accumulator,
  type Combine,
  type CombineContext,
  type Component,
  type Context,
  defineCombine,
  defineSink,
  defineSource,
  defineTransform,
  type Needs,
  type OpenSource,
  type Prepared,
  path,
  type SideValues,
  type Sink,
  type Source,
  type Transform,
} from './component.js';
export { DataError, NagError } from './errors.js';
export { type StagedOutput, stageOutput } from './publication/staging.js';
