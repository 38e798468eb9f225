/** A worker of the benchmark: that of the product, but for a count of the time spent in fsync. */
import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {idleStages, synced} from './idle-stage.js';

const {fsyncSync, promises} = fs;
fs.fsyncSync = (descriptor) => counted(() => fsyncSync(descriptor));
syncBuiltinESMExports();
const handle = await promises.open(import.meta.filename);
const prototype = Object.getPrototypeOf(handle) as typeof handle;
const {sync} = prototype;
prototype.sync = async function (this: typeof handle) {
  const start = performance.now();
  await sync.call(this);
  count(start);
};
await handle.close();

// Loaded only now, so that it gets the functions that count.
const {serveTasks} = await import('../../pipeline/serve-tasks.js');
serveTasks(idleStages);

function counted(work: () => void): void {
  const start = performance.now();
  work();
  count(start);
}

function count(start: number): void {
  synced.seconds += (performance.now() - start) / 1000;
  synced.count++;
}
