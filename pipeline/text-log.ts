import { type Screen, showProgress } from './progress.js';
import type { Reporter } from './report.js';
import { summaryText } from './summary.js';

/** For people: progress, notes and other messages go to `screen`, the summary to `out`. */
export function textReporter(name: string, screen: Screen, out: Pick<Screen, 'write'>): Reporter {
  let progress: ReturnType<typeof showProgress> | undefined;
  const line = (text: string) => (progress ? progress.say(text) : void screen.write(`${text}\n`));
  return {
    start: (stats) => {
      progress?.stop();
      progress = showProgress(name, stats, screen);
    },
    note: (text) => line(`note: ${text}`),
    event: (event, fields) => {
      if (typeof fields?.['message'] === 'string') line(`${event}: ${fields['message']}`);
    },
    summary: (result, seconds) => {
      progress?.stop();
      out.write(summaryText(name, result, seconds));
    },
    stop: () => progress?.stop(),
  };
}
