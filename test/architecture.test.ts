import {readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, it} from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
const ORDER = ['cache', 'stages', 'reports', 'pipeline'];

const sources = ORDER.flatMap((folder) =>
  readdirSync(path.join(root, folder), {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
);

/** Relative imports of a file, static and dynamic, as paths from the root; type-only ones apart. */
function importsOf(file: string): {target: string; typeOnly: boolean}[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const pattern =
    /(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)|import\s+'(\.[^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => ({
    target: path.normalize(path.join(path.dirname(file), (match[2] ?? match[3] ?? match[4])!)).replace(/\.js$/, '.ts'),
    typeOnly: match[1] !== undefined,
  }));
}

const folderOf = (file: string) => ORDER.indexOf(file.split(path.sep)[0]!);

describe('the folders', () => {
  it('import only from themselves and from folders to their left: cache, stages, reports, pipeline', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter(({target}) => folderOf(target) > folderOf(file))
        .map(({target}) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keep reports apart from stages, except for the words of the data dictionary', () => {
    const wrong = sources
      .filter((file) => file.startsWith('reports'))
      .flatMap((file) =>
        importsOf(file).filter(
          ({target, typeOnly}) =>
            !typeOnly && target.startsWith('stages') && target !== path.join('stages', 'schemas.ts'),
        ),
      );
    expect(wrong).toEqual([]);
  });

  it('have no import cycle', () => {
    expect(cycles()).toEqual([]);
  });
});

describe('the stages', () => {
  const stageFiles = sources.filter(
    (file) =>
      path.dirname(file) === 'stages' &&
      /export const \w+ = defineStage\(/.test(readFileSync(path.join(root, file), 'utf8')),
  );

  it('are all listed in stages/index.ts', () => {
    const listed = importsOf(path.join('stages', 'index.ts')).map(({target}) => target);
    expect(stageFiles.filter((file) => !listed.includes(file))).toEqual([]);
    expect(stageFiles.length).toBeGreaterThanOrEqual(10);
  });

  it('do not import one another, so that editing one leaves the code identity of the others alone', () => {
    const wrong = stageFiles.flatMap((file) =>
      importsOf(file)
        .filter(({target}) => stageFiles.includes(target))
        .map(({target}) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the sources', () => {
  it('print only through the loggers and the screen of the command line', () => {
    const allowed = [path.join('pipeline', 'logging'), path.join('pipeline', 'cli')];
    const wrong = sources.filter(
      (file) =>
        !allowed.some((folder) => file.startsWith(folder)) &&
        /(?<![#.\w])(console\.\w|process\.std(out|err)\b)/.test(readFileSync(path.join(root, file), 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  it('draw no numbers that a seed does not decide', () => {
    const wrong = sources.filter(
      (file) =>
        folderOf(file) <= ORDER.indexOf('stages') && /Math\.random\(/.test(readFileSync(path.join(root, file), 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  it('name no path of one machine', () => {
    expect(
      sources.filter((file) => /['"`]\/(home|work|root|Users)\//.test(readFileSync(path.join(root, file), 'utf8'))),
    ).toEqual([]);
  });
});

function cycles(): string[] {
  const state = new Map<string, 'open' | 'closed'>();
  const found: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === 'closed') return;
    if (state.get(file) === 'open') {
      found.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      return;
    }
    state.set(file, 'open');
    for (const {target, typeOnly} of importsOf(file)) if (!typeOnly) visit(target, [...trail, file]);
    state.set(file, 'closed');
  };
  for (const file of sources) visit(file, []);
  return found;
}
