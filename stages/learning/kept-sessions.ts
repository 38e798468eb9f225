/**
 * Networks that stay loaded between the tasks of a process. Loading one takes 0.1 to 0.3 s, which for clips of a few
 * seconds is a fourth of the task. Nothing is kept until a process that runs many tasks asks for it.
 */
import {stat} from 'node:fs/promises';
import type {InferenceSession} from 'onnxruntime-node';

interface Kept {
  readonly session: InferenceSession;
  /** Frees its memory. */
  end(): Promise<void>;
}

/** Sessions nobody uses, the one used longest ago first, by what they were made of. */
const idle = new Map<string, Kept>();
let most = 0;

/** Keeps the last `count` networks of this process loaded while no task uses them. */
export function keepSessions(count: number): void {
  most = count;
}

/**
 * Hands out a kept session of this file that was made in this way, or makes one; `way` is whatever else decides what
 * `create` makes. Its `release` keeps it instead of ending it, where this process keeps sessions. A file that was changed
 * is loaded again.
 */
export async function keptSession(
  file: string,
  way: object,
  create: () => Promise<InferenceSession>,
): Promise<InferenceSession> {
  if (most === 0) return create();
  const key = await keyOf(file, way);
  const kept = key === undefined ? undefined : idle.get(key);
  if (kept !== undefined) {
    idle.delete(key!);
    return kept.session;
  }
  const session = await create();
  return key === undefined ? session : releasedLater(session, key);
}

/** undefined where there is no such file, which loading can say better. */
async function keyOf(file: string, way: object): Promise<string | undefined> {
  const state = await stat(file, {bigint: true}).catch(() => undefined);
  return state && JSON.stringify([file, String(state.size), String(state.mtimeNs), String(state.ino), way]);
}

function releasedLater(session: InferenceSession, key: string): InferenceSession {
  const end = session.release.bind(session);
  session.release = async () => {
    // Two tasks had loaded the same network; one of it is enough.
    if (idle.has(key)) return end();
    idle.set(key, {session, end});
    for (const [oldest, kept] of idle) {
      if (idle.size <= most) return;
      idle.delete(oldest);
      await kept.end();
    }
  };
  return session;
}
