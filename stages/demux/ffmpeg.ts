/**
 * The one place where the project runs ffmpeg. fluent-ffmpeg is the process wrapper; it is archived and
 * misreads the lists of formats and encoders of ffmpeg ≥ 7, so its capability checks are skipped.
 *
 * What callers may rely on: paths are absolute (no name can look like an option or a protocol), nothing is
 * read from stdin, only local files are opened, and `stdout` exerts back-pressure on the process.
 */
import path from 'node:path';
import {PassThrough, type Readable} from 'node:stream';
import type ffmpeg from 'fluent-ffmpeg';
import {locateFfmpeg} from './binary.js';
import {Complaints} from './complaints.js';

export interface FfmpegRequest {
  /** File to decode. */
  readonly path: string;
  readonly inputOptions?: readonly string[];
  readonly outputOptions: readonly string[];
  /** Threads for decoding and for filters. */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Called with every line that ffmpeg logs, its level in brackets. */
  readonly onLine?: (line: string) => void;
}

export interface FfmpegProcess {
  readonly stdout: Readable;
  /** Resolves when the process has ended and all its lines were seen; never rejects. */
  readonly ended: Promise<FfmpegEnd>;
  /** Ends the process at once; harmless where it has ended. */
  kill(): void;
}

export interface FfmpegEnd {
  /** How the process failed, for example 'ffmpeg exited with code 1'; undefined where it did not. */
  readonly failure: string | undefined;
  readonly complaints: Complaints;
}

/** Starts ffmpeg. Abort kills it; the caller sees `stdout` end and asks the signal why. */
export async function startFfmpeg(request: FfmpegRequest): Promise<FfmpegProcess> {
  const {path: binary} = await locateFfmpeg();
  const {default: fluent} = await import('fluent-ffmpeg');
  request.signal.throwIfAborted();
  const command = withoutCapabilityChecks(fluent(path.resolve(request.path)))
    .setFfmpegPath(binary)
    .inputOptions('-hide_banner', '-nostdin', '-nostats', '-loglevel', 'repeat+level+info')
    .inputOptions('-filter_threads', String(request.threads), '-threads', String(request.threads))
    .inputOptions('-protocol_whitelist', 'file', ...(request.inputOptions ?? []))
    .outputOptions('-dn', '-sn', ...request.outputOptions);
  // fluent-ffmpeg kills the process 20 ms after its target closed, before it may have ended by itself.
  const stdout = new PassThrough({emitClose: false});
  const kill = () => void (running(command) && command.kill('SIGKILL'));
  const ended = collectEnd(command, request).finally(() => request.signal.removeEventListener('abort', kill));
  request.signal.addEventListener('abort', kill, {once: true});
  // A process that never started leaves no stream to end the pipe.
  void ended.then(({failure}) => failure?.startsWith('spawn') === true && stdout.end());
  command.pipe(stdout);
  return {stdout, ended, kill};
}

function collectEnd(command: ffmpeg.FfmpegCommand, request: FfmpegRequest): Promise<FfmpegEnd> {
  const complaints = new Complaints(path.resolve(request.path));
  return new Promise((resolve) => {
    command
      .on('stderr', (line: string) => {
        complaints.read(line);
        request.onLine?.(line);
      })
      .on('end', () => resolve({failure: undefined, complaints}))
      .on('error', (error) => resolve({failure: error.message.split(':')[0] ?? error.message, complaints}));
  });
}

/** What fluent-ffmpeg keeps on a command besides its documented methods. */
interface Internals {
  _checkCapabilities: (done: () => void) => void;
  availableEncoders: (done: (error: null, encoders: object) => void) => void;
  ffmpegProc?: object;
}

function withoutCapabilityChecks(command: ffmpeg.FfmpegCommand): ffmpeg.FfmpegCommand {
  const internals: Internals = command as unknown as Internals;
  internals._checkCapabilities = (done) => done();
  internals.availableEncoders = (done) => done(null, {});
  return command;
}

function running(command: ffmpeg.FfmpegCommand): boolean {
  return (command as unknown as Internals).ffmpegProc !== undefined;
}
