import { z } from 'zod';
import { defineTransform } from '../component.js';
import { openBundleStore } from './bundle-store.js';
import { markUsed } from './unused.js';

/** Transform of the engine's own: what costly stages have computed, kept where runs keep their state. */
export const checkpoint = defineTransform({
  name: 'checkpoint',
  summary: 'Keep what the stages before have computed, for runs that go on from there',
  options: z.strictObject({ dir: z.string() }),
  example: '',
  preview: (input) => input,
  needs: () => ({}),
  mayDrop: () => false,
  store: ({ dir }, making, context) => openBundleStore(dir, making, context, markUsed),
  run: (input) => input,
});
