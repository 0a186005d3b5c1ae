import { unkeptText } from './plan-text.js';
import type { Run } from './run.js';

/** Costly work that will be lost when the run is killed, though there is a place for it. */
export function noteUnkept(run: Run): void {
  for (const [id, why] of run.plan.unkept) run.contextOf(run.plan.nodes.get(id)!).note(unkeptText(why));
}

/** Costly work that is done again for readers that wait for others; what a store has by then is not. */
export function noteRepeated(run: Run): void {
  const { plan } = run;
  const kept = plan.segments.flatMap(({ stored }) => [...stored.values()].flatMap(({ chain }) => chain));
  for (const id of plan.repeated) {
    const node = plan.nodes.get(id)!;
    if (node.component.kind !== 'transform' || !node.component.costly || kept.includes(id)) continue;
    const times = plan.segments.filter(({ members }) => members.includes(id)).length;
    run
      .contextOf(node)
      .note(
        `runs ${times} times over the same documents, as some of its readers wait for others; with a features stage behind top_k, or a state_dir, what was computed is read back`,
      );
  }
}
