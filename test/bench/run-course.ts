/** What is seen of a run from outside: how fast each stage is over time, and how much memory it takes. */
import {existsSync, readFileSync, readdirSync} from 'node:fs';

interface TaskCourse {
  readonly stage: string;
  /** undefined while it runs. */
  seconds?: number;
  /** MB, of the main process and all below it. */
  peak: number;
  /** Processor time, in ms, that the run had taken when a share of the rows was done. */
  readonly progress: {share: number; processor: number}[];
}

interface TaskEvent {
  readonly kind: string;
  readonly task: string;
  readonly stage: string;
  readonly seconds: number;
  readonly done: number;
  readonly total: number;
}

/** Listens to the events of a run on one clip. */
export class RunCourse {
  readonly #tasks = new Map<string, TaskCourse>();
  #processor = 0;
  peak = 0;

  hear({kind, task, stage, seconds, done, total}: TaskEvent): void {
    const processor = this.#processor;
    const course = this.#tasks.get(task);
    if (kind === 'started') this.#tasks.set(task, {stage, peak: 0, progress: [{share: 0, processor}]});
    if (kind === 'progress') course!.progress.push({share: done / total, processor});
    if (kind !== 'produced') return;
    course!.progress.push({share: 1, processor});
    course!.seconds = seconds;
  }

  see({megabytes, processor}: Resources): void {
    this.#processor = processor;
    this.peak = Math.max(this.peak, megabytes);
    for (const course of this.#tasks.values())
      if (course.seconds === undefined) course.peak = Math.max(course.peak, megabytes);
  }

  lines(frames: number): string[] {
    return [...this.#tasks.values()].map(({stage, seconds = NaN, peak, progress}) => {
      const when = (share: number) => progress.find((point) => point.share >= share)?.processor ?? NaN;
      const perFrame = (milliseconds: number, of: number) => (milliseconds / of).toFixed(2).padStart(6);
      const quarters = [0, 1, 2, 3].map((k) => perFrame(when((k + 1) / 4) - when(k / 4), frames / 4));
      // Stages that report no progress have none to show.
      const shown = progress.length > 8 ? quarters.join('') : '';
      return `  ${stage.padEnd(20)} ${seconds.toFixed(1).padStart(7)} s ${perFrame(1000 * seconds, frames)} ms  ${shown.padEnd(26)} ${peak.toFixed(0).padStart(5)} MB`;
    });
  }
}

export interface Resources {
  /** Resident memory. */
  readonly megabytes: number;
  /** Milliseconds, those of children that have ended included. */
  readonly processor: number;
}

/** What a process and all below it take; nothing where there is no /proc. */
export function resourcesBelow(root: number): Resources {
  const seen = new Map<number, {parent: number; kilobytes: number; ticks: number}>();
  for (const name of existsSync('/proc') ? readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)) : []) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]!.split(' ').map(Number);
      seen.set(Number(name), {
        parent: stat[1]!,
        kilobytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0),
        ticks: stat[11]! + stat[12]! + stat[13]! + stat[14]!,
      });
    } catch {
      // The process ended between the two looks.
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (seen.has(pid) && isBelow(seen.get(pid)!.parent));
  const below = [...seen].filter(([pid]) => isBelow(pid)).map(([, one]) => one);
  return {
    megabytes: below.reduce((sum, {kilobytes}) => sum + kilobytes, 0) / 1024,
    // Linux counts hundredths of a second.
    processor: 10 * below.reduce((sum, {ticks}) => sum + ticks, 0),
  };
}
