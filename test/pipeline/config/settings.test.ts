import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { configPaths } from '../../../pipeline/config/paths.js';
import { settingsOf, settingsShape, settingWithoutState } from '../../../pipeline/config/settings.js';

const schema = z.strictObject(settingsShape);
const parse = (given: Record<string, unknown>) =>
  settingsOf(schema.parse(given), configPaths('/conf', '/conf', new Map()));

t.test('sizes and times have units', async (t) => {
  const { limits, retries } = parse({
    limits: { memory: '1.5 GB', disk: '500mb', time: '8h' },
    retries: { wait: '2 min' },
  });
  t.strictSame(limits, { memory: 1.5e9, disk: 500e6, time: 28_800 });
  t.strictSame(retries, { attempts: 3, wait: 120 });
  t.equal(parse({ limits: { time: 90 } }).limits.time, 90, 'plain numbers are seconds');
  for (const wrong of ['8 parsecs', '-1GB', '', 'GB', '0', 0, -3])
    t.throws(
      () => parse({ limits: { memory: wrong } }),
      /expected a size such as 500MB or 8GB/,
      String(wrong),
    );
});

t.test('without a word, nothing outlasts the run and every error ends it', async (t) => {
  const settings = parse({});
  t.equal(settings.stateDir, undefined);
  t.strictSame(settings.onError, { policy: 'fail', maxRatio: 1, path: undefined });
});

t.test('paths start at the configuration', async (t) => {
  const settings = parse({
    state_dir: 'state',
    manifest: '/abs/manifest.json',
    on_error: { policy: 'quarantine', max_ratio: 0.1, path: 'out/rejects.jsonl' },
    metrics: { textfile: 'nag.prom' },
  });
  t.equal(settings.stateDir, join('/conf', 'state'));
  t.equal(settings.manifest, '/abs/manifest.json');
  t.strictSame(settings.onError, {
    policy: 'quarantine',
    maxRatio: 0.1,
    path: join('/conf', 'out/rejects.jsonl'),
  });
  t.equal(settings.metrics.textfile, join('/conf', 'nag.prom'));
});

t.test('settings that need a state folder are told where there is none', async (t) => {
  t.equal(settingWithoutState({ if_running: 'wait' }), 'if_running');
  t.equal(settingWithoutState({ if_running: 'wait', state_dir: 's' }), undefined);
  t.equal(settingWithoutState({ limits: {}, hooks: {}, on_error: 'skip' }), undefined);
});

t.test('an address is a host and a port', async (t) => {
  const listen = (given: string) => parse({ metrics: { listen: given } }).metrics.listen;
  t.strictSame(listen('127.0.0.1:9464'), { host: '127.0.0.1', port: 9464 });
  t.strictSame(listen(':0'), { host: undefined, port: 0 });
  t.strictSame(listen('[::1]:80'), { host: '::1', port: 80 });
  for (const wrong of ['9464', 'host', 'host:', 'host:99999', 'host:x', ''])
    t.throws(() => listen(wrong), /expected host:port or :port, such as 127\.0\.0\.1:9464, found/, wrong);
});
