/** Parquet tables, read in groups of rows. */
import {parquetCompressors as compressors} from './compression.js';
import {badFeatures, type Table} from './feature-row.js';

/** Rows that are decoded at once. */
const rowsAtOnce = 4096;

/** Opens a table. Throws StageError 'bad-features' where it is no Parquet file or compressed in a way that is not read. */
export async function openParquet(file: string): Promise<Table> {
  const {asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema} = await import('hyparquet');
  const translate = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      const remedy = 'Write it again, for example pyarrow.parquet.write_table(table, path, compression="snappy").';
      throw badFeatures(file, `it cannot be read as Parquet: ${said.replace(/\.$/, '')}`, remedy, cause);
    }
  };
  const source = await translate(() => asyncBufferFromFile(file));
  const metadata = await translate(() => parquetMetadataAsync(source));
  const names = parquetSchema(metadata).children.map(({element}) => element.name);
  const rowCount = Number(metadata.num_rows);
  async function* rows(): AsyncGenerator<readonly unknown[], void, undefined> {
    for (let rowStart = 0; rowStart < rowCount; rowStart += rowsAtOnce) {
      const rowEnd = Math.min(rowCount, rowStart + rowsAtOnce);
      const objects = await translate(() =>
        parquetReadObjects({file: source, metadata, compressors, rowStart, rowEnd}),
      );
      for (const object of objects) yield names.map((name) => object[name]);
    }
  }
  return {names, rows: rows()};
}
