/** Events in words, shared by the loggers for people. */
import {totals, type Event, type StageCount} from '../events.js';

/** The line an event leaves behind; undefined for events that leave none. */
export function lineOf(event: Event): string | undefined {
  switch (event.kind) {
    case 'run-started':
      return `${event.experiment}: ${event.tasks} tasks, workspace ${event.workspace} (run ${event.run})`;
    case 'produced':
      return `produced  ${event.task}  in ${duration(event.seconds)}, ${size(event.bytes)}${notes(event.notes)}  because ${event.reason}`;
    case 'warning':
      return `warning   ${event.task}: ${event.message}`;
    case 'failed':
      return [
        `FAILED    ${event.task}: ${event.message}`,
        ...(event.remedy === undefined ? [] : [`          ${event.remedy}`]),
        ...(event.stack === undefined
          ? []
          : ['          This is a defect of Affectflow. Please report it with these lines:', indent(event.stack)]),
      ].join('\n');
    case 'skipped':
      return `skipped   ${event.task}  because ${event.because}`;
    case 'note':
      return `note      ${event.message}`;
    case 'run-ended':
      return summary(event);
    case 'reused':
    case 'started':
    case 'progress':
      return undefined;
  }
}

function notes(values: Readonly<Record<string, string | number>>): string {
  // Why the device was chosen is a sentence, which a run says once.
  const entries = Object.entries(values).filter(([key]) => key !== 'deviceReason');
  return entries.length === 0 ? '' : `, ${entries.map(([key, value]) => `${key} ${value}`).join(', ')}`;
}

/** The table at the end of a run, and one sentence that says what happened. */
function summary({stages, status, seconds}: Extract<Event, {kind: 'run-ended'}>): string {
  const header = ['stage', 'reused', 'produced', 'failed', 'skipped', 'task time'];
  const rows = stages.map((count) =>
    [count.stage, count.reused, count.produced, count.failed, count.skipped, duration(count.seconds)].map(String),
  );
  return ['', ...aligned([header, ...rows]), '', sentence(stages, status, seconds)].join('\n');
}

function sentence(stages: readonly StageCount[], status: string, seconds: number): string {
  const {reused, produced, failed, skipped} = totals(stages);
  if (status === 'interrupted')
    return `Interrupted after ${duration(seconds)}: ${produced} tasks produced. Run the same command again to go on.`;
  if (failed + skipped > 0)
    return `${failed} tasks failed and ${skipped} were skipped; ${produced} produced, ${reused} reused, in ${duration(seconds)}.`;
  if (produced === 0) return `Nothing to do: all ${reused} tasks are up to date (checked in ${duration(seconds)}).`;
  return `Done in ${duration(seconds)}: ${produced} tasks produced, ${reused} reused.`;
}

/** Columns padded to their widest cell: the first to the left, numbers to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

export function duration(seconds: number): string {
  if (seconds < 0.0005) return '0 s';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200
    ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
    : `${(seconds / 3600).toFixed(1)} h`;
}

export function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `          ${line}`)
    .join('\n');
}
