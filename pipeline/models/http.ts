/**
 * GET over node:http: redirects, proxies, ranges and a limit on silence. Node 20's own fetch knows no proxy, and an
 * undici that does would be one more dependency.
 */
import http from 'node:http';
import https from 'node:https';
import {isIP, type Socket} from 'node:net';
import tls from 'node:tls';
import {proxyFor, type ProxyChoice} from './proxy.js';

export interface Transport extends ProxyChoice {
  readonly signal?: AbortSignal | undefined;
  /** A connection that says nothing for so long is given up. */
  readonly silenceSeconds?: number;
}

const SILENCE_SECONDS = 30;
const MOST_REDIRECTS = 10;

/** A transfer that failed; `permanent` where trying the same address again cannot help. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly permanent: boolean;
  /** What the server asked for with Retry-After. */
  readonly waitSeconds: number | undefined;
  constructor(
    message: string,
    {permanent, waitSeconds, cause}: {permanent: boolean; waitSeconds?: number | undefined; cause?: unknown},
  ) {
    super(message, {cause});
    this.permanent = permanent;
    this.waitSeconds = waitSeconds;
  }
}

/** Bytes [start, end] of a resource; `end` may stay open. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number | undefined;
}

/**
 * Asks for a resource, or a range of it, and follows redirects. The response is 200, 206 or 416; its body is unread.
 *
 * @throws TransferError for every other status and for failed connections.
 */
export async function get(
  address: string,
  range: ByteRange | undefined,
  transport: Transport,
): Promise<http.IncomingMessage> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await ask(url, range, transport);
    const next = redirectOf(response, url);
    if (next === undefined) return accept(response, url);
    response.destroy();
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw new TransferError(`${url.host} redirects to ${next.href}, which is not encrypted`, {permanent: true});
    }
    url = next;
  }
  throw new TransferError(`${address} redirects more than ${MOST_REDIRECTS} times`, {permanent: true});
}

function redirectOf({statusCode = 0, headers}: http.IncomingMessage, url: URL): URL | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined
    ? new URL(headers.location, url)
    : undefined;
}

function accept(response: http.IncomingMessage, url: URL): http.IncomingMessage {
  const status = response.statusCode ?? 0;
  if (status === 200 || status === 206 || status === 416) return response;
  response.destroy();
  const wait = Number(response.headers['retry-after']);
  throw new TransferError(`${url.host} answered ${status} ${response.statusMessage ?? ''}`.trim(), {
    // 408, 429 and the 5xx may pass; other refusals stay.
    permanent: status < 500 && status !== 408 && status !== 429,
    waitSeconds: Number.isFinite(wait) ? wait : undefined,
  });
}

async function ask(url: URL, range: ByteRange | undefined, transport: Transport): Promise<http.IncomingMessage> {
  const proxy = proxyFor(url, transport);
  const headers: Record<string, string> = {
    'user-agent': 'affectflow',
    // Ranges and lengths are those of the file only without compression.
    'accept-encoding': 'identity',
    ...(range === undefined ? {} : {range: `bytes=${range.start}-${range.end ?? ''}`}),
  };
  if (url.protocol === 'https:') {
    const socket = proxy === undefined ? undefined : await tunnel(url, proxy, transport);
    const connection =
      socket === undefined
        ? {}
        : {createConnection: () => tls.connect({socket, servername: isIP(url.hostname) === 0 ? url.hostname : ''})};
    return responseTo(https.request(url, {headers, ...connection}), url, transport);
  }
  if (proxy === undefined) return responseTo(http.request(url, {headers}), url, transport);
  const through = {headers: {...headers, ...authorization(proxy), host: url.host}, path: url.href};
  return responseTo(requestTo(proxy, through), url, transport);
}

/** Opens a connection to the host of `url` through the proxy, for TLS to run over. */
async function tunnel(url: URL, proxy: URL, transport: Transport): Promise<Socket> {
  const host = `${url.hostname}:${url.port === '' ? 443 : url.port}`;
  const request = requestTo(proxy, {
    method: 'CONNECT',
    path: host,
    headers: {host, ...authorization(proxy)},
    agent: false,
  });
  const response = responseTo(request, proxy, transport);
  const socket = new Promise<Socket>((resolve, reject) => {
    request.once('connect', ({statusCode = 0, statusMessage = ''}, connected) => {
      if (statusCode === 200) return resolve(connected as Socket);
      connected.destroy();
      reject(
        new TransferError(`the proxy ${proxy.host} refused to connect to ${host}: ${statusCode} ${statusMessage}`, {
          permanent: statusCode < 500,
        }),
      );
    });
  });
  return Promise.race([
    socket,
    response.then(() =>
      Promise.reject(new TransferError(`the proxy ${proxy.host} does not tunnel`, {permanent: true})),
    ),
  ]);
}

function requestTo(proxy: URL, options: http.RequestOptions): http.ClientRequest {
  const place = {hostname: proxy.hostname, port: proxy.port === '' ? undefined : Number(proxy.port)};
  return (proxy.protocol === 'https:' ? https : http).request({...place, ...options});
}

function authorization({username, password}: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return {'proxy-authorization': `Basic ${credentials.toString('base64')}`};
}

function responseTo(
  request: http.ClientRequest,
  url: URL,
  {signal, silenceSeconds = SILENCE_SECONDS}: Transport,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const abort = () => request.destroy(new Error('interrupted'));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, {once: true});
    request.once('close', () => signal?.removeEventListener('abort', abort));
    request.setTimeout(silenceSeconds * 1000, () => request.destroy(new Error(`no answer for ${silenceSeconds} s`)));
    request.once('response', resolve);
    request.once('error', (cause) => reject(connectionError(url, cause)));
    request.end();
  });
}

/** Codes of OpenSSL that say whom a certificate is not from: mostly a proxy that reads along, which the machine trusts. */
const DISTRUST = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_)/;

function connectionError(url: URL, cause: Error & {code?: string}): TransferError {
  const {code = ''} = cause;
  const isDistrusted = DISTRUST.test(code);
  const hint = isDistrusted ? '; a certificate of your network can be named in NODE_EXTRA_CA_CERTS' : '';
  return new TransferError(`${url.host}: ${reasonOf(cause)}${hint}`, {
    // Nobody of that name, or nobody at home: waiting is for hosts that are busy, the next mirror for others.
    permanent: isDistrusted || code === 'ENOTFOUND' || code === 'ECONNREFUSED',
    cause,
  });
}

/** What a failed connection says; some errors of Node carry only a code. */
export function reasonOf(error: unknown): string {
  const {message = '', code} = error as {message?: string; code?: string};
  return message !== '' ? message : (code ?? 'the connection failed');
}
