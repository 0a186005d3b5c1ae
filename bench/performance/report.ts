import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { version } from '../../pipeline/cli/version.js';
import { barChart, shown } from './chart.js';
import { type Figure, type Result, reaches } from './part.js';

/** Writes what was measured as Markdown, and its charts as SVG files into a folder beside it. */
export async function writeReport(
  file: string,
  results: readonly Result[],
  versions: readonly string[],
  missing: readonly string[],
): Promise<void> {
  const charts = file.replace(/\.md$/, '');
  await mkdir(charts, { recursive: true });
  for (const chart of results.flatMap(({ charts = [] }) => charts))
    await writeFile(join(charts, `${chart.name}.svg`), barChart(chart));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, reportText(results, versions, missing));
}

export function reportText(
  results: readonly Result[],
  versions: readonly string[],
  missing: readonly string[],
): string {
  return `# How fast nag-pipeline is

Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}. What is compared was measured side by side, in turns, on the same data: the
ratios hold on other machines better than the figures do. Aims that were missed are told as they are.

- nag-pipeline ${version()}, Node ${process.version}, ${platform()} ${release()} ${arch()}
- ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${(totalmem() / 1e9).toFixed(0)} GB
- ${versions.join('; ')}
${missing.length > 0 ? `- Parts that were not run this time: ${missing.join(', ')}\n` : ''}
${results.map(sectionText).join('\n\n')}
`;
}

function sectionText({ title, how, figures, charts = [], leftOut = [] }: Result): string {
  return [
    `## ${title}`,
    how,
    tableOf(figures),
    ...charts.map(({ name, title: alt }) => `![${alt}](performance/${name}.svg)`),
    ...leftOut.map((text) => `Left out: ${text}.`),
  ].join('\n\n');
}

/** A Markdown table. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { what, value, unit, aim, predicted = '', limit = '' } = figure;
    const met = { true: '✓ ', false: '**missed** ' }[String(reaches(figure))] ?? '';
    const cells = [
      what,
      `${shown(value)} ${unit}`.trim(),
      aim ? `${met}${aim.kind} ${aim.value.toLocaleString('en-US')}` : '',
      predicted,
      limit,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    '| | Measured | Aim | Predicted | What limits it |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
