import t from 'tap';
import { type Picture, toSvg } from '../../../sinks/plot/svg.js';

function picture(labels: readonly number[], more: Partial<Picture> = {}): Picture {
  const names = [...new Set(labels)].map((label) => `label ${label}`);
  return {
    title: 'Title',
    subtitle: 'Subtitle',
    by: 'kind',
    names,
    counts: names.map((_, i) => String(i)),
    points: Float64Array.from(labels.flatMap((_, i) => [Math.cos(i) * 50, Math.sin(i) * 20])),
    labels,
    hints: labels.map((label, i) => `${i}: ${label}`),
    ...more,
  };
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
const marks = (svg: string) =>
  [
    ...svg.matchAll(
      /<g transform="translate\(([-\d.]+) ([-\d.]+)\)[^"]*" fill="(#\w+)"[^>]*>(?:<title>[^<]*<\/title>)?(<[^>]*>)/g,
    ),
  ].map(([, x, y, fill, shape]) => ({ x: Number(x), y: Number(y), look: `${fill} ${shape}` }));

t.test('points lie within the panel, and each label looks different', async (t) => {
  const labels = Array.from({ length: 24 }, (_, i) => i);
  const svg = toSvg(picture(labels));
  const found = marks(svg);
  t.equal(found.length, 48, 'points, and the legend');
  for (const { x, y } of found.slice(0, 24)) t.ok(x > 40 && x < 720 && y > 88 && y < 684);
  t.equal(new Set(found.slice(0, 24).map(({ look }) => look)).size, 24);
  t.strictSame(
    found.slice(24).map(({ look }) => look),
    found.slice(0, 24).map(({ look }) => look),
  );
  t.strictSame(texts(svg).slice(0, 5), ['Title', 'Subtitle', 'kind', 'label 0', '0']);
});

t.test('too many labels: the last ones are grey, and one line of the legend', async (t) => {
  const svg = toSvg(picture(Array.from({ length: 40 }, (_, i) => i)));
  t.match(texts(svg).join('\n'), /label 22\n22\n17 more values\n$/);
  t.equal(
    new Set(
      marks(svg)
        .slice(23, 40)
        .map(({ look }) => look),
    ).size,
    1,
  );
  const y = [...svg.matchAll(/<text x="\d+" y="([\d.]+)"/g)].map((match) => Number(match[1]));
  t.ok(Math.max(...y) < 690, 'the legend ends with the panel');
});

t.test('both axes have one scale', async (t) => {
  const points = Float64Array.from([0, 0, 10, 0, 0, 10]);
  const [a, b, c] = marks(toSvg(picture([0, 0, 0], { points })));
  t.ok(Math.abs(b!.x - a!.x - (a!.y - c!.y)) < 0.2, 'and y points up');
});

t.test('points that are all one lie in the middle', async (t) => {
  const [a] = marks(toSvg(picture([0, 0], { points: new Float64Array(4) })));
  t.strictSame([a!.x, a!.y], [380, 386]);
});

t.test('long text is cut, and markup and what XML cannot hold are made harmless', async (t) => {
  const names = ['<b>&\u0000\ud800\n x', 'x'.repeat(300)];
  const svg = toSvg(picture([0, 1], { names, title: 'T'.repeat(500), hints: ['a<b', '\uffff'] }));
  const found = texts(svg);
  t.ok(found[0]!.endsWith('…') && found[0]!.length < 80);
  t.equal(found[3], '&lt;b&gt;&amp;\ufffd\ufffd x');
  t.ok(found[5]!.endsWith('…') && found[5]!.length < 40);
  t.match(svg, '<title>a&lt;b</title>');
  t.ok([...svg].every((letter) => letter === '\n' || (letter >= ' ' && letter < '\ufffe')));
});
