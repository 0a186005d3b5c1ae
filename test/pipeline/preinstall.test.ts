import { readdirSync, readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withoutDownload } from '../../pipeline/preinstall.js';

const place = `${platform()}/${arch()}`;
const metadata = `module.exports = {
  requirements: { '${place}': ['cuda'], 'other/cpu': ['cuda'] },
  manifests: { '${place}:cuda': { './a.so': {}, './b.so': {} }, 'other/cpu:cuda': { './c.so': {} } },
};`;

/** A project in which the package and a stand-in of onnxruntime-node are unpacked. */
function project(t: Test, manifest: unknown = {}) {
  const runtime = {
    'package.json': '{"name": "onnxruntime-node", "main": "dist/index.js"}',
    dist: { 'index.js': '' },
    script: { 'install-metadata.js': metadata },
    bin: { 'napi-v6': { [platform()]: { [arch()]: { 'a.so': 'ELF' } } } },
  };
  const dir = t.testdir({
    'package.json': JSON.stringify(manifest),
    node_modules: { 'nag-pipeline': { 'package.json': '{}' }, 'onnxruntime-node': runtime },
  });
  const bin = join(dir, 'node_modules/onnxruntime-node/bin/napi-v6', place);
  return { dir, bin, own: join(dir, 'node_modules/nag-pipeline') };
}

t.test(
  'what would be downloaded is taken as there, and says how to get it; what is there stays',
  async (t) => {
    const { dir, bin, own } = project(t);
    t.strictSame(withoutDownload(own, { npm_config_local_prefix: dir }), [join(bin, 'b.so')]);
    t.match(
      readFileSync(join(bin, 'b.so'), 'utf8'),
      /^Not a library: .*ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild/,
    );
    t.equal(readFileSync(join(bin, 'a.so'), 'utf8'), 'ELF');
    t.strictSame(withoutDownload(own, { npm_config_local_prefix: dir }), [], 'once');
  },
);

t.test(
  'nothing is done where CUDA is asked for, for a project of its own runtime, or in a checkout',
  async (t) => {
    const { dir, bin, own } = project(t, { dependencies: { 'onnxruntime-node': '1' } });
    t.strictSame(withoutDownload(own, { npm_config_local_prefix: dir }), []);
    t.strictSame(withoutDownload(own, { ONNXRUNTIME_NODE_INSTALL: 'cuda12' }), []);
    t.strictSame(withoutDownload('/src/nag-pipeline', {}), []);
    t.strictSame(readdirSync(bin), ['a.so']);
  },
);
