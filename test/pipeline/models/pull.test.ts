import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import {deflateRawSync} from 'node:zlib';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {incompressible} from './bytes.js';
import {ModelError} from '../../../pipeline/models/errors.js';
import type {DownloadEntry, Source} from '../../../pipeline/models/manifest.js';
import {pull, type PullOptions} from '../../../pipeline/models/pull.js';
import {stateOf} from '../../../pipeline/models/store.js';
import {sendBytes, serve, type TestServer} from './server.js';

const payload = incompressible(300_000);
const sha256 = createHash('sha256').update(payload).digest('hex');
const retry = {attempts: 3, waitSeconds: 0.005};

let folder: string;
let servers: TestServer[];
beforeEach(() => {
  folder = temporaryFolder();
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

async function server(...args: Parameters<typeof serve>): Promise<TestServer> {
  const started = await serve(...args);
  servers.push(started);
  return started;
}

function entry(...urls: Source[]): DownloadEntry {
  return {
    kind: 'download',
    id: 'toy',
    task: 'face-detection',
    file: 'toy.onnx',
    urls,
    bytes: payload.length,
    sha256,
    licence: {name: 'MIT', commercial: true, note: ''},
    inputs: [{name: 'input', type: 'float32', shape: ['N', 3], layout: 'NT'}],
    outputs: [{name: 'output', type: 'float32', shape: ['N', 3], meaning: 'nothing'}],
    note: '',
  };
}

const target = () => path.join(folder, 'toy', 'toy.onnx');
/** Vitest compares buffers element by element, which takes seconds. */
const isWhole = () => readFileSync(target()).equals(payload);
const files = () => readdirSync(path.join(folder, 'toy')).sort();
const fetch = (urls: Source[], options: Partial<PullOptions> = {}) => pull(entry(...urls), {folder, retry, ...options});

async function failure(promise: Promise<unknown>): Promise<ModelError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ModelError)) throw new Error('expected a ModelError', {cause: error});
  return error;
}

describe('pulling a model', () => {
  test('downloads, checks and names it, and tells how far it is', async () => {
    const {url, asked} = await server(sendBytes(payload));
    const progress: [number, number][] = [];
    const pulled = await fetch([`${url}/toy.onnx`], {progress: (done, total) => progress.push([done, total])});
    expect(pulled).toEqual({path: target(), source: `${url}/toy.onnx`});
    expect(isWhole()).toBe(true);
    expect(files()).toEqual(['record.json', 'toy.onnx']);
    expect(stateOf(entry(url), folder)).toBe('verified');
    expect(progress.at(-1)).toEqual([payload.length, payload.length]);
    expect(asked).toEqual([{path: '/toy.onnx', range: undefined}]);
  });

  test('that is there fetches nothing; one that was damaged is replaced', async () => {
    const {url, asked} = await server(sendBytes(payload));
    await fetch([url]);
    expect(await fetch([url])).toEqual({path: target(), source: undefined});
    expect(asked).toHaveLength(1);
    writeFileSync(target(), 'damaged');
    const notes: string[] = [];
    await fetch([url], {note: (message) => notes.push(message)});
    expect(isWhole()).toBe(true);
    expect(notes).toEqual([`${target()} is not the file it should be, and is replaced`]);
  });

  test('goes on where the connection was cut', async () => {
    const {url, asked} = await server((request, response) =>
      sendBytes(payload, {cutAfter: 120_000})(request, response),
    );
    await fetch([`${url}/toy.onnx`]);
    expect(isWhole()).toBe(true);
    expect(asked.map(({range}) => range)).toEqual([undefined, 'bytes=120000-', 'bytes=240000-']);
  });

  test('goes on where an earlier pull ended', async () => {
    const {url, asked} = await server(sendBytes(payload));
    mkdirSync(path.join(folder, 'toy'));
    writeFileSync(`${target()}.part`, payload.subarray(0, 100_000));
    await fetch([url]);
    expect(isWhole()).toBe(true);
    expect(asked.map(({range}) => range)).toEqual(['bytes=100000-']);
  });

  test('begins again where what an earlier pull left is of another file', async () => {
    const {url, asked} = await server(sendBytes(payload));
    mkdirSync(path.join(folder, 'toy'));
    writeFileSync(`${target()}.part`, Buffer.alloc(100_000, 7));
    await fetch([url]);
    expect(isWhole()).toBe(true);
    expect(asked.map(({range}) => range)).toEqual(['bytes=100000-', undefined]);
  });

  test('begins again where the server knows no ranges', async () => {
    let times = 0;
    const {url} = await server((request, response) =>
      sendBytes(payload, {ranges: false, cutAfter: times++ === 0 ? 100_000 : undefined})(request, response),
    );
    await fetch([url]);
    expect(isWhole()).toBe(true);
  });

  test('follows redirects', async () => {
    const {url, asked} = await server((request, response) => {
      if (request.url === '/a') response.writeHead(302, {location: '/b'}).end();
      else if (request.url === '/b') response.writeHead(307, {location: `http://${request.headers.host!}/c`}).end();
      else sendBytes(payload)(request, response);
    });
    await fetch([`${url}/a`]);
    expect(isWhole()).toBe(true);
    expect(asked.map((one) => one.path)).toEqual(['/a', '/b', '/c']);
  });

  test('gives up on a server that redirects for ever', async () => {
    const {url} = await server((_, response) => response.writeHead(302, {location: '/again'}).end());
    expect((await failure(fetch([url]))).message).toContain('redirects more than 10 times');
  });

  test('tries again when the server is busy', async () => {
    let times = 0;
    const {url} = await server((request, response) => {
      if (times++ < 2) response.writeHead(503).end();
      else sendBytes(payload)(request, response);
    });
    await fetch([url]);
    expect(times).toBe(3);
  });

  test('takes the next mirror when one has no file, a wrong one, or is gone', async () => {
    const {url, asked} = await server((request, response) => {
      if (request.url === '/none') response.writeHead(404).end();
      else if (request.url === '/short') sendBytes(payload.subarray(1))(request, response);
      else if (request.url === '/wrong') sendBytes(Buffer.alloc(payload.length))(request, response);
      else sendBytes(payload)(request, response);
    });
    const notes: string[] = [];
    const gone = 'http://127.0.0.1:1/toy.onnx';
    const mirrors = [`${url}/none`, `${url}/short`, `${url}/wrong`, gone, `${url}/right`];
    expect((await fetch(mirrors, {note: (message) => notes.push(message)})).source).toBe(`${url}/right`);
    expect(isWhole()).toBe(true);
    expect(notes.map((note) => note.replaceAll(url, ''))).toEqual([
      `/none: ${new URL(url).host} answered 404 Not Found; trying the next mirror`,
      '/short: the file there has 299999 bytes, expected 300000; trying the next mirror',
      '/wrong: the file there has another SHA-256 than the manifest; it was removed; trying the next mirror',
      'http://127.0.0.1:1/toy.onnx: 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; trying the next mirror',
    ]);
    expect(asked.filter((one) => one.path === '/none')).toHaveLength(1);
  });
});

describe('a model that cannot be pulled', () => {
  test('because its bytes are wrong leaves nothing behind', async () => {
    const {url} = await server(sendBytes(Buffer.alloc(payload.length)));
    const error = await failure(fetch([url]));
    expect(error.code).toBe('wrong-bytes');
    expect(error.message).toContain('another SHA-256 than the manifest; it was removed');
    expect(files()).toEqual([]);
  });

  test('because a pointer or a page is there says so', async () => {
    const {url} = await server(sendBytes(Buffer.from('version https://git-lfs.github.com/spec/v1')));
    const error = await failure(fetch([url]));
    expect(error.code).toBe('wrong-bytes');
    expect(error.message).toContain(
      'the file there has 42 bytes, expected 300000, perhaps a Git LFS pointer or an error page',
    );
  });

  test('because a page of unannounced length is there asks once and leaves nothing behind', async () => {
    const {url, asked} = await server((_, response) => response.writeHead(200).end('<html>Please log in.</html>'));
    expect((await failure(fetch([url]))).message).toContain(
      'the file there has 27 bytes, expected 300000, perhaps a Git LFS pointer or an error page',
    );
    expect([asked.length, files()]).toEqual([1, []]);
  });

  test('because more bytes come than announced is refused before the disk fills', async () => {
    const {url} = await server((_, response) => response.writeHead(200).end(Buffer.concat([payload, payload])));
    expect((await failure(fetch([url]))).message).toContain('more than the expected 300000 bytes came');
  });

  test('because it is nowhere names every address', async () => {
    const {url} = await server((_, response) => response.writeHead(404).end());
    const error = await failure(fetch([`${url}/a`, `${url}/b`]));
    const host = new URL(url).host;
    expect(error.code).toBe('download-failed');
    expect(error.message).toBe(
      `model 'toy' could not be downloaded:\n    ${url}/a: ${host} answered 404 Not Found\n    ${url}/b: ${host} answered 404 Not Found`,
    );
    expect(error.remedy).toContain('affectflow models pull toy --from <file>');
  });

  test('because nobody is at home, or of that name, does not wait for them', async () => {
    const patient = {retry: {attempts: 5, waitSeconds: 20}};
    const {message} = await failure(fetch(['http://127.0.0.1:1/a', 'http://nobody.invalid/a'], patient));
    expect(message).toContain('http://127.0.0.1:1/a: 127.0.0.1:1: connect ECONNREFUSED');
    expect(message).toMatch(/http:\/\/nobody\.invalid\/a: nobody\.invalid: getaddrinfo E(NOTFOUND|AI_AGAIN)/);
  }, 4_000);

  test('because the server falls silent is given up', async () => {
    const {url, asked} = await server(
      (_, response) => void response.writeHead(200, {'content-length': payload.length}).write('x'),
    );
    const error = await failure(fetch([url], {transport: {silenceSeconds: 0.05}}));
    expect(error.code).toBe('download-failed');
    // The first byte moved it on, so that attempt does not count; the three after it brought nothing.
    expect(asked.map(({range}) => range)).toEqual(
      [undefined, 'bytes=1-', 'bytes=1-', 'bytes=1-'].slice(0, asked.length),
    );
  });

  test('because --offline forbids it says how else to get it, and asks nobody', async () => {
    const {url, asked} = await server(sendBytes(payload));
    const error = await failure(fetch([url], {offline: true}));
    expect(error.code).toBe('offline');
    expect(error.remedy).toBe(
      'On a machine with a network run `affectflow models pull toy`, bring toy.onnx (300000 bytes) here, and `affectflow models pull toy --from <file>`.',
    );
    expect(asked).toEqual([]);
  });

  test('because it was interrupted keeps what came', async () => {
    const stop = new AbortController();
    const {url} = await server(
      (_, response) =>
        void response.writeHead(200, {'content-length': payload.length}).write(payload.subarray(0, 50_000)),
    );
    const pulling = fetch([url], {
      transport: {signal: stop.signal},
      progress: (done) => done === 50_000 && stop.abort(),
    });
    await expect(pulling).rejects.toThrow();
    expect(readFileSync(`${target()}.part`).equals(payload.subarray(0, 50_000))).toBe(true);
  });
});

describe('a copy the user has', () => {
  test.each([
    ['the file itself', 'any-name.bin', 'any-name.bin'],
    ['a folder with it', 'toy.onnx', '.'],
    ['a folder of models', 'toy/toy.onnx', '.'],
  ])('is taken from %s, even offline', async (_, file, from) => {
    const source = path.join(folder, 'source');
    mkdirSync(path.dirname(path.join(source, file)), {recursive: true});
    writeFileSync(path.join(source, file), payload);
    await fetch(['http://127.0.0.1:1/'], {offline: true, from: path.join(source, from)});
    expect(isWhole()).toBe(true);
  });

  test('is taken out of the archive it was published in', async () => {
    writeFileSync(path.join(folder, 'pack.zip'), zipOf({'other.onnx': Buffer.from('other'), 'pack/toy.onnx': payload}));
    await fetch([{zip: 'http://127.0.0.1:1/pack.zip', member: 'toy.onnx'}], {from: folder});
    expect(isWhole()).toBe(true);
  });

  test('that is another file is refused, and left where it is', async () => {
    const file = path.join(folder, 'other.onnx');
    writeFileSync(file, 'other');
    const error = await failure(fetch(['http://127.0.0.1:1/'], {from: file}));
    expect(error.code).toBe('wrong-bytes');
    expect(error.message).toContain(`${file} is not model 'toy': it has 5 bytes and another SHA-256`);
    expect(existsSync(file)).toBe(true);
    expect(files()).toEqual([]);
  });

  test('that is not there says what was looked for', async () => {
    const error = await failure(fetch(['http://127.0.0.1:1/'], {from: folder}));
    expect([error.code, error.remedy]).toEqual([
      'not-found',
      'Give the file itself, or a folder that has toy.onnx or toy/toy.onnx.',
    ]);
  });
});

describe('a model inside a published archive', () => {
  // 2 MB that nobody wants, around the one member that is.
  const ballast = incompressible(1_000_000);

  test.each([true, false])('is fetched without the rest of it (deflated: %s)', async (deflated) => {
    const archive = zipOf({'big-a.onnx': ballast, 'toy.onnx': payload, 'big-b.onnx': ballast}, deflated);
    const {url, asked} = await server(sendBytes(archive));
    expect((await fetch([{zip: `${url}/pack.zip`, member: 'toy.onnx'}])).source).toBe(`${url}/pack.zip (toy.onnx)`);
    expect(isWhole()).toBe(true);
    const bytesAsked = asked.reduce((sum, {range}) => {
      const [, start, end] = /(\d+)-(\d+)/.exec(range!)!;
      return sum + Number(end) - Number(start) + 1;
    }, 0);
    expect(bytesAsked).toBeLessThan(payload.length + 100_000);
    expect(files()).toEqual(['record.json', 'toy.onnx']);
  });

  test('resumes', async () => {
    const archive = zipOf({'toy.onnx': payload}, false);
    const {url, asked} = await server((request, response) =>
      sendBytes(archive, {cutAfter: 200_000})(request, response),
    );
    await fetch([{zip: url, member: 'toy.onnx'}]);
    expect(isWhole()).toBe(true);
    expect(asked.at(-1)!.range).toMatch(/^bytes=2000\d\d-3000\d\d$/);
  });

  test('that lacks it, or is no archive, or comes from a server without ranges, says so', async () => {
    const reason = async (bytes: Buffer, ranges = true) => {
      const {url} = await server(sendBytes(bytes, {ranges}));
      return (await failure(fetch([{zip: url, member: 'toy.onnx'}]))).message;
    };
    expect(await reason(zipOf({'other.onnx': ballast}))).toContain('it has no toy.onnx; it has other.onnx');
    expect(await reason(ballast)).toContain('it is no zip archive, or cut short');
    expect(await reason(zipOf({'toy.onnx': payload}), false)).toContain('the server does not serve parts of files');
  });
});

describe('a proxy', () => {
  test('carries plain requests, with its credentials', async () => {
    const seen: (string | undefined)[] = [];
    const {url} = await server((request, response) => {
      seen.push(request.url, request.headers['proxy-authorization'], request.headers.host);
      sendBytes(payload)(request, response);
    });
    const asked = url.replace('http://', 'http://user:p%40ss@');
    await fetch(['http://models.invalid/toy.onnx'], {transport: {asked}});
    expect(isWhole()).toBe(true);
    expect(seen).toEqual([
      'http://models.invalid/toy.onnx',
      `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
      'models.invalid',
    ]);
  });

  test('opens a tunnel for encrypted ones, in which TLS begins', async () => {
    const proxy = http.createServer();
    const seen: (string | number | undefined)[] = [];
    proxy.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
      seen.push(request.method, request.url);
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.once('data', (data) => {
        seen.push(data[0]);
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const {port} = proxy.address() as net.AddressInfo;
    const environment = {HTTPS_PROXY: `http://127.0.0.1:${port}`, no_proxy: 'elsewhere.invalid'};
    const error = await failure(
      fetch(['https://models.invalid/toy.onnx'], {retry: {attempts: 1, waitSeconds: 0}, transport: {environment}}),
    );
    proxy.close();
    expect(error.code).toBe('download-failed');
    // 22: a TLS handshake record.
    expect(seen).toEqual(['CONNECT', 'models.invalid:443', 22]);
  });

  test('that refuses the tunnel is named', async () => {
    const {url, server: proxy} = await server((_, response) => response.end());
    proxy.on('connect', (_: http.IncomingMessage, socket: net.Socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
    );
    const {message} = await failure(fetch(['https://models.invalid/'], {transport: {asked: url}}));
    expect(message).toContain(`the proxy ${new URL(url).host} refused to connect to models.invalid:443: 407`);
  });
});

/** A zip archive, written by hand: local headers with data, directory, end record. */
function zipOf(members: Record<string, Buffer>, deflated = true): Buffer {
  const data: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(members)) {
    const packed = deflated ? deflateRawSync(bytes) : bytes;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entryOf = Buffer.alloc(46);
    entryOf.writeUInt32LE(0x02014b50, 0);
    entryOf.writeUInt16LE(deflated ? 8 : 0, 10);
    entryOf.writeUInt32LE(packed.length, 20);
    entryOf.writeUInt32LE(bytes.length, 24);
    entryOf.writeUInt16LE(name.length, 28);
    entryOf.writeUInt32LE(offset, 42);
    data.push(local, Buffer.from(name), packed);
    directory.push(entryOf, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...data, ...directory, end]);
}
