/** A web server on this machine that says what a test tells it to, and remembers what it was asked. */
import http from 'node:http';
import type {AddressInfo} from 'node:net';

export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
}

export interface TestServer {
  readonly url: string;
  readonly asked: Asked[];
  readonly server: http.Server;
  close(): Promise<void>;
}

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Starts a server that ends with the test; no answer takes longer than 10 s. */
export async function serve(answer: Answer): Promise<TestServer> {
  const asked: Asked[] = [];
  const server = http.createServer({requestTimeout: 10_000}, (request, response) => {
    asked.push({path: request.url ?? '', range: request.headers.range});
    answer(request, response);
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with bytes, or the range of them that was asked for; `cutAfter` breaks the connection after so many. */
export function sendBytes(
  bytes: Buffer,
  {cutAfter, ranges = true}: {cutAfter?: number | undefined; ranges?: boolean} = {},
): Answer {
  return (request, response) => {
    const match = ranges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') : null;
    const start = Number(match?.[1] ?? 0);
    const end = match?.[2] === undefined || match[2] === '' ? bytes.length : Number(match[2]) + 1;
    if (start >= bytes.length) return void response.writeHead(416, {'content-range': `bytes */${bytes.length}`}).end();
    const part = match === null ? bytes : bytes.subarray(start, end);
    const range = match === null ? {} : {'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}`};
    response.writeHead(match === null ? 200 : 206, {'content-length': part.length, ...range});
    if (cutAfter === undefined || cutAfter >= part.length) return void response.end(part);
    response.write(part.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 20));
  };
}
