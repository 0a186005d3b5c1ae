import t from 'tap';
import { parseHubName } from '../../../transforms/hub/name.js';

t.test('names of models on the hub', async (t) => {
  t.strictSame(parseHubName('Qwen/Qwen3-0.6B-Base'), { repo: 'Qwen/Qwen3-0.6B-Base', revision: 'main' });
  t.strictSame(parseHubName('a/b@v1.0'), { repo: 'a/b', revision: 'v1.0' });
  t.strictSame(parseHubName('a/b@refs/pr/1'), { repo: 'a/b', revision: 'refs/pr/1' });
});

t.test('what can only be a path', async (t) => {
  for (const path of [
    'model',
    './a/b',
    '../a',
    '/a/b',
    'a/b/c',
    'a//b',
    'a/b@',
    'C:\\a\\b',
    'a/b@x/../../y',
    '',
  ])
    t.equal(parseHubName(path), undefined, path);
});
