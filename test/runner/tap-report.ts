/** Reads TAP from stdin, as tap's reporter, and prints a line a file; at the end skips, failures and totals. */
import { Parser } from 'tap-parser';
import { endText, fileText, follow } from './report.js';

const parser = new Parser();
const summary = follow(parser, (file, own) => console.log(fileText(file, own)));
parser.on('complete', () => console.log(endText(summary)));
process.stdin.pipe(parser);
