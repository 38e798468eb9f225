import {describe, expect, test} from 'vitest';
import {publishedTables, settingSentence} from '../../reports/comparison.js';
import {jmtFolds, published} from '../../reports/published.js';
import type {ReportInput} from '../../reports/score.js';
import {columnsOf} from '../../reports/table.js';
import {complete, rcma, score, without} from './sample.js';

const onAffWild2 = (backbones: string): ReportInput => {
  const row = {...rcma, backbones};
  return {
    ...without(complete(), 'isDrawnDataset', 'systems'),
    isEmbeddedDefault: false,
    dataset: 'Aff-Wild2',
    seeds: [1],
    folds: [{name: 'official', train: [], validation: []}],
    scores: [score(row, {fold: 'official', ccc: 0.6}), score(row, {fold: 'official', ccc: 0.65, target: 'arousal'})],
  };
};

const lastColumns = (input: ReportInput) =>
  publishedTables(input).map((table) => [table.name, columnsOf(table).at(-1)!.title]);

describe('ours beside published', () => {
  test('labels every difference of the demo as not comparable and says why in a sentence', () => {
    expect(lastColumns(complete())).toEqual([
      ['published-valence', 'Difference (not comparable)'],
      ['published-arousal', 'Difference (not comparable)'],
      ['published-sources', 'Caveats'],
    ]);
    expect(settingSentence(complete())).toBe(
      "These numbers are not the papers' setting: the clips are a small drawn data set, not filmed people, and the " +
        "features come from the package's small embedded networks, not the papers' backbones.",
    );
    expect(publishedTables(complete())[0]!.caption[0]).toBe(settingSentence(complete()));
  });

  test('calls a difference one where data set and backbones agree, spelling aside', () => {
    const tables = publishedTables(onAffWild2('A: VGGish; V: ResNet50; T: BERT'));
    expect(tables.map((table) => table.name)).toEqual([
      'published-valence-same-setting',
      'published-arousal-same-setting',
      'published-valence',
      'published-arousal',
      'published-sources',
    ]);
    const row = tables[0]!.rows[0]!.cells;
    expect(columnsOf(tables[0]!).at(-1)!.title).toBe('Difference');
    expect(row.at(-1)).toMatchObject({kind: 'number', isSigned: true});
    expect((row.at(-1) as {value: number}).value).toBeCloseTo(0.6 - 0.585, 12);
  });

  test('does not, where only the backbones differ', () => {
    const names = publishedTables(onAffWild2('A: VGGish; V: Resnet-50')).map((table) => table.name);
    expect(names).toEqual(['published-valence', 'published-arousal', 'published-sources']);
  });

  test('are absent where the experiment has no published system', () => {
    expect(publishedTables({...complete(), systems: [], scores: []})).toEqual([]);
  });

  test("bring JMT's folds when JMT was run", () => {
    const jmt = {...rcma, system: 'jmt', label: 'JMT'};
    const input = {...complete(), systems: [jmt], scores: [score(jmt, {fold: 'fold-0', ccc: 0.5})]};
    const table = publishedTables(input).find(({name}) => name === 'published-jmt-folds')!;
    const last = table.rows.at(-1)!.cells[1]!;
    // (0.717 + 0.705 + 0.741 + 0.657 + 0.760 + 0.684) / 6.
    expect(last.kind === 'number' && last.value).toBeCloseTo(0.710667, 6);
  });
});

describe('published numbers', () => {
  test('each carry a table, a section and a caveat', () => {
    for (const {sources, caveats} of published) {
      expect(sources.length).toBeGreaterThan(0);
      expect(caveats.length).toBeGreaterThan(0);
      for (const source of sources)
        expect([source.table, source.section]).toEqual(['Table 1', expect.stringMatching(/^\d /)]);
    }
  });

  test('of JMT agree with its printed averages to the last place', () => {
    for (const {valence, arousal, average} of jmtFolds.folds) {
      expect(Math.abs((valence + arousal) / 2 - average)).toBeLessThanOrEqual(0.0005 + 1e-12);
    }
    const official = jmtFolds.folds[0]!;
    expect(published.find(({system}) => system === 'jmt')!.ccc).toEqual({
      valence: {fusion: official.valence},
      arousal: {fusion: official.arousal},
    });
  });
});
