import {isIntact} from '../../cache/intact.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import {size} from '../logging/words.js';
import {print} from './screen.js';

/** `affectflow verify`: reads every shard; exit code 1 where one is damaged. */
export async function verify(options: {workspace?: string}): Promise<number> {
  const workspace = openWorkspace(workspaceFolder(options.workspace), 'write');
  try {
    let [count, bytes, damaged] = [0, 0, 0];
    for (const shard of workspace.store.list()) {
      count++;
      bytes += shard.bytes;
      if (await isIntact(workspace.store, shard.digest)) continue;
      damaged++;
      workspace.store.quarantine(shard.digest);
      print(`damaged  ${shard.digest}  set aside; the next run makes it again`);
    }
    print(`${count} shards (${size(bytes)}) checked, ${damaged} damaged.`);
    return damaged === 0 ? 0 : 1;
  } finally {
    workspace.close();
  }
}
