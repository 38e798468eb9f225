import {mkdtempSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Makes a new, empty folder; nobody has to remove it (`own-temporary-files.ts`). */
export const temporaryFolder = (): string => mkdtempSync(path.join(os.tmpdir(), 'affectflow-'));
