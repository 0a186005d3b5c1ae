import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../config/settings.js';
import { messageOf, NagError } from '../errors.js';

/** What is answered under a path. */
export interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

export type Answers = Readonly<Record<string, () => Promise<Answer>>>;

/** A small HTTP server that keeps no process alive. Errors: NagError where it cannot listen there. */
export async function serve({ host, port }: Address, answers: Answers) {
  const server = createServer((request, response) => {
    answerTo(request, answers)
      .catch((error: unknown) => plain(500, messageOf(error)))
      .then(({ code, type, body }) => response.writeHead(code, { 'content-type': type }).end(body));
  });
  try {
    server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(server, 'listening');
  } catch (cause) {
    const inUse = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    const why = inUse ? 'the address is in use, by another run or another program' : messageOf(cause);
    throw new NagError(`metrics.listen: cannot listen at ${host ?? ''}:${port}: ${why}`, { cause });
  }
  // Whoever asks in vain sees it; the run must not end for it.
  server.on('error', () => undefined);
  server.on('connection', (socket) => socket.unref());
  server.unref();
  return {
    /** `http://127.0.0.1:9464` */
    url: urlOf(server.address(), host),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answerTo({ method, url = '' }: IncomingMessage, answers: Answers): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD');
  const path = url.split('?')[0]!;
  if (!Object.hasOwn(answers, path)) return plain(404, `there is only ${Object.keys(answers).join(' and ')}`);
  return await answers[path]!();
}

function plain(code: number, text: string): Answer {
  return { code, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function urlOf(address: AddressInfo | string | null, host = 'localhost'): string {
  if (address === null || typeof address === 'string') throw new TypeError('a server without a port');
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}
