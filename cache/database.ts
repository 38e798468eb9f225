/**
 * Opens SQLite. Statements and databases are kept as long as the process: better-sqlite3 12, the last that runs on Node
 * 20, aborts Node 24.21 when the garbage collector frees a statement ("RemoveEnvironmentCleanupHook … env != nullptr",
 * from Statement::~Statement). This can go when Node 20 does and better-sqlite3 is one that mends it.
 */
import Sqlite from 'better-sqlite3';
import type {Database, Options} from 'better-sqlite3';

const kept: unknown[] = [];

export function openDatabase(file: string, options: Options): Database {
  const database = new Sqlite(file, options);
  const prepare = database.prepare.bind(database);
  database.prepare = ((source: string) => {
    const statement = prepare(source);
    kept.push(statement);
    return statement;
  }) as Database['prepare'];
  // Not better-sqlite3's own, whose statement nobody can keep.
  database.pragma = (source: string, {simple = false} = {}) => {
    const statement = database.prepare<[], Record<string, unknown>>(`PRAGMA ${source}`);
    if (!statement.reader) return statement.run();
    return simple ? statement.pluck().get() : statement.all();
  };
  kept.push(database);
  return database;
}
