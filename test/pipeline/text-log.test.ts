import t from 'tap';
import { createStats } from '../../pipeline/stats.js';
import { textReporter } from '../../pipeline/text-log.js';

t.test('notes and messages are lines, at once; the summary goes elsewhere', async (t) => {
  const [screen, out]: [string[], string[]] = [[], []];
  const log = textReporter(
    'nightly',
    { write: (text) => screen.push(text) },
    { write: (text) => out.push(text) },
  );
  log.note('before the start');
  const stats = new Map([['a', createStats('a', 'source')]]);
  log.start(stats);
  log.note('while it runs');
  log.event('retry', { message: 'once more', attempt: 2 }, 'warn');
  log.event('hook', { message: 'told' });
  log.event('published', { files: [] });
  log.event('run ended', { error: 'x' }, 'error');
  t.strictSame(screen, [
    'note: before the start\n',
    'note: while it runs\n',
    'retry: once more\n',
    'hook: told\n',
  ]);
  log.summary({ stats, files: ['/out/a'], outputs: [], reports: [], provenance: new Map() }, 65);
  log.stop();
  t.match(out.join(''), /^nightly: done in 65 s, peak memory [\d,]+ MB\n[\s\S]*\nwrote \/out\/a\n$/);
  t.equal(screen.length, 4);
});
