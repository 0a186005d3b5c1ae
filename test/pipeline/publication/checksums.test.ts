import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { digestOutputs } from '../../../pipeline/publication/checksums.js';

const { signal } = new AbortController();

function recorded(path: string, text: string) {
  return { path, bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
}

t.test('every file of what is staged, with the path it will have', async (t) => {
  const dir = t.testdir({
    staged: { 'b.jsonl': 'ü\n', '.nag-contents': 'b.jsonl', deep: { a: '' } },
    one: 'text',
  });
  const outputs = [
    { temporary: join(dir, 'staged'), final: '/out/features' },
    { temporary: join(dir, 'one'), final: '/out/one.json' },
  ];
  t.strictSame(await digestOutputs('write', { rows: 7, outputs }, signal), [
    {
      stage: 'write',
      path: '/out/features',
      rows: 7,
      files: [
        recorded('/out/features/.nag-contents', 'b.jsonl'),
        recorded('/out/features/b.jsonl', 'ü\n'),
        recorded('/out/features/deep/a', ''),
      ],
    },
    { stage: 'write', path: '/out/one.json', rows: 7, files: [recorded('/out/one.json', 'text')] },
  ]);
  t.strictSame(await digestOutputs('show', { rows: 7, outputs: [] }, signal), []);
});

t.test('stops with the reason of an abort', async (t) => {
  const dir = t.testdir({ one: 'text' });
  const outputs = [{ temporary: join(dir, 'one'), final: '/out/one' }];
  const reason = new Error('stopped');
  await t.rejects(digestOutputs('write', { rows: 0, outputs }, AbortSignal.abort(reason)), reason);
});
