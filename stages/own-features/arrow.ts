/** Arrow tables (files or streams, also Feather version 2), read batch by batch. */
import {createReadStream} from 'node:fs';
import {arrowCodecs} from './compression.js';
import {badFeatures, type Table} from './feature-row.js';

const remedy =
  'Write it again without compression, for example pyarrow.feather.write_feather(table, path, compression="uncompressed").';

/** Opens a table. Throws StageError 'bad-features' where it is no Arrow file. */
export async function openArrow(file: string): Promise<Table> {
  const {CompressionType, RecordBatchReader, compressionRegistry} = await import('apache-arrow');
  compressionRegistry.set(CompressionType.LZ4_FRAME, arrowCodecs.LZ4_FRAME);
  compressionRegistry.set(CompressionType.ZSTD, arrowCodecs.ZSTD);
  const reader = await translated(file, async () => {
    const found = await RecordBatchReader.from(createReadStream(file));
    return found.open();
  });
  if (!reader.schema) throw badFeatures(file, 'it cannot be read as Arrow: it has no schema', remedy);
  const names = reader.schema.fields.map(({name}) => name);
  async function* rows(): AsyncGenerator<readonly unknown[], void, undefined> {
    for (;;) {
      const next = await translated(file, async () => reader.next());
      if (next.done === true) return;
      const columns = names.map((_, column) => next.value.getChildAt(column)!);
      for (let row = 0; row < next.value.numRows; row++) yield columns.map((column) => column.get(row) as unknown);
    }
  }
  return {names, rows: rows()};
}

async function translated<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw badFeatures(file, `it cannot be read as Arrow: ${said.replace(/\.$/, '')}`, remedy, cause);
  }
}
