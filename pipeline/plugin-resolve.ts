import type { ResolveHook } from 'node:module';

/** In a user's stage `nag-pipeline` is the running program itself, wherever the file and this package are installed. */
export const resolve: ResolveHook = (specifier, context, nextResolve) => {
  if (specifier !== 'nag-pipeline') return nextResolve(specifier, context);
  return { url: new URL('./index.js', import.meta.url).href, shortCircuit: true };
};
