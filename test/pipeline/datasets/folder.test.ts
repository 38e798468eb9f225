import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeEach, describe, expect, it} from 'vitest';
import {folderDataset, readFolderDataset} from '../../../pipeline/datasets/folder.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

let folder: string;
beforeEach(() => (folder = temporaryFolder()));

function write(...files: string[]): void {
  for (const file of files) {
    mkdirSync(path.dirname(path.join(folder, file)), {recursive: true});
    writeFileSync(path.join(folder, file), '');
  }
}

function read(more: object = {}) {
  return readFolderDataset(folderDataset.parse({videos: 'v', annotations: 'a', ...more}), folder);
}

describe('a folder data set', () => {
  it('pairs videos, annotations and transcripts by name, sorted by code unit', () => {
    write('v/b.mp4', 'v/A.avi', 'a/b.txt', 'a/A.csv', 't/b.vtt');
    const {clips} = read({transcripts: 't'});
    expect(clips.map(({name, transcript}) => [name, transcript !== undefined])).toEqual([
      ['A', false],
      ['b', true],
    ]);
  });

  it('finds features of the user’s own by modality, and mentions clips without', () => {
    write('v/x.mp4', 'v/y.mp4', 'a/x.txt', 'a/y.txt', 'f/x.npy', 'f/y.parquet', 's/x.csv', 's/x.txt');
    const {clips, remarks} = read({features: {visual: 'f', acoustic: 's'}});
    const named = clips.map(({features}) =>
      Object.entries(features ?? {}).map(([key, file]) => [key, path.basename(file)]),
    );
    expect(named).toEqual([
      [
        ['visual', 'x.npy'],
        ['acoustic', 'x.csv'],
      ],
      [['visual', 'y.parquet']],
    ]);
    expect(remarks).toEqual(['1 clip without file of acoustic features: y']);
    expect(() => read({features: {visual: 'nowhere'}})).toThrow(/dataset\.features\.visual: there is no folder/);
    expect(() => read({features: {video: 'f'}})).toThrow(/video/);
  });

  it('finds published face images by clip, in several places, and mentions clips without', () => {
    write('v/x.mp4', 'v/y.mp4', 'v/z.mp4', 'a/x.txt', 'a/x_left.txt', 'a/y.txt', 'a/z.txt');
    write('c/x/00001.jpg', 'c/x_left/00001.jpg', 'more/y/00001.jpg', 'c/other/00001.jpg', 'c/readme.txt');
    const {clips, remarks} = read({croppedAligned: ['c', 'more']});
    expect(
      clips.map(({name, croppedAligned}) => [name, croppedAligned && path.relative(folder, croppedAligned)]),
    ).toEqual([
      ['x', path.join('c', 'x')],
      ['x_left', path.join('c', 'x_left')],
      ['y', path.join('more', 'y')],
      ['z', undefined],
    ]);
    expect(remarks).toEqual(['1 clip without folder of face images: z']);
    expect(read({croppedAligned: 'c'}).clips[0]!.croppedAligned).toBe(path.join(folder, 'c', 'x'));
  });

  it('refuses places of face images that are not there, hold no clip, or hold a clip twice', () => {
    write('v/x.mp4', 'a/x.txt', 'c/x/00001.jpg', 'd/x/00001.jpg', 'e/cropped_aligned/x/00001.jpg');
    expect(() => read({croppedAligned: 'none'})).toThrow(/dataset\.croppedAligned: there is no folder/);
    expect(() => read({croppedAligned: 'e'})).toThrow(
      /has no folder of any clip \(x\); the folders there are cropped_aligned/,
    );
    expect(() => read({croppedAligned: ['c', 'd']})).toThrow(/called 'x'/);
  });

  it('takes annotations x_left and x_right as the two people in the video x', () => {
    write(
      'v/x.mp4',
      'v/y.mp4',
      'v/z_left.mp4',
      'a/x_left.txt',
      'a/x_right.txt',
      'a/y.txt',
      'a/y_right.txt',
      'a/z_left.txt',
    );
    write('a/none_left.txt', 't/x.vtt', 't/y_right.vtt');
    const {clips, remarks} = read({transcripts: 't'});
    const file = (name: string | undefined) => name && path.basename(name);
    expect(
      clips.map(({name, side, video, transcript, subject}) => [name, side, file(video), file(transcript), subject]),
    ).toEqual([
      ['x_left', 'left', 'x.mp4', 'x.vtt', 'x'],
      ['x_right', 'right', 'x.mp4', 'x.vtt', 'x'],
      ['y', 'left', 'y.mp4', undefined, 'y'],
      ['y_right', 'right', 'y.mp4', 'y_right.vtt', 'y'],
      ['z_left', undefined, 'z_left.mp4', undefined, 'z'],
    ]);
    expect(remarks).toEqual(['1 annotation without video: none_left']);
    expect(read({exclude: ['x_left']}).clips.map(({name}) => name)).not.toContain('x_left');
  });

  it('takes names with spaces, quotes, unicode and leading dashes', () => {
    const names = ["it's here", '-dash', 'ünïcödé', 'a "quoted" one', '表情'];
    for (const name of names) write(`v/${name}.mp4`, `a/${name}.txt`);
    expect(
      read()
        .clips.map(({name}) => name)
        .sort(),
    ).toEqual([...names].map((name) => name.normalize('NFC')).sort());
  });

  it('reads the official partition from the annotation folders', () => {
    write('v/x.mp4', 'v/y.mp4', 'a/Train_Set/x.txt', 'a/Validation_Set/y.txt');
    expect(read().clips.map(({part}) => part)).toEqual(['train', 'validation']);
  });

  it('refuses two videos of one name and names both', () => {
    write('v/one/x.mp4', 'v/two/x.avi', 'a/x.txt');
    expect(() => read()).toThrow(/two files are called 'x'.*x\.(mp4|avi).*x\.(mp4|avi)/);
  });

  it('lists videos without annotation, or leaves them out where asked to', () => {
    write('v/x.mp4', 'v/y.mp4', 'a/x.txt');
    expect(() => read()).toThrow(/1 video without annotation: y/);
    expect(read({unannotated: 'skip'}).remarks).toEqual(['1 video without annotation left out: y']);
  });

  it('takes the clips of a test list without annotation, one of two people in a video among them', () => {
    write('v/x.mp4', 'v/y.mp4', 'v/pair.mp4', 'v/other.mp4', 'a/Train_Set/x.txt', 'a/Validation_Set/y.txt');
    writeFileSync(path.join(folder, 'test.txt'), '\uFEFFpair_right\r\ny.mp4\r\n\r\n');
    const {clips, remarks} = read({test: 'test.txt', unannotated: 'skip'});
    expect(clips.map(({name, part, annotation, side}) => [name, part, annotation !== undefined, side])).toEqual([
      ['pair_right', 'test', false, 'right'],
      ['x', 'train', true, undefined],
      ['y', 'test', true, undefined],
    ]);
    expect(remarks).toEqual(['1 video without annotation left out: other']);
    expect(() => read({test: 'test.txt'})).toThrow(/other/);
    expect(() => read({test: 'tset.txt'})).toThrow(/dataset\.test: there is no file/);
    writeFileSync(path.join(folder, 'test.txt'), 'x\nvideo9\n');
    expect(() => read({test: 'test.txt'})).toThrow('dataset.test lists 1 clip without video: video9');
  });

  it('mentions annotations that have no video', () => {
    write('v/x.mp4', 'a/x.txt', 'a/z.txt');
    expect(read().remarks).toEqual(['1 annotation without video: z']);
  });

  it('names the folder that does not exist and the key to correct', () => {
    expect(() => read()).toThrow(/dataset\.videos: there is no folder .*v/);
  });

  it('checks the subject table', () => {
    write('v/x.mp4', 'a/x.txt');
    writeFileSync(path.join(folder, 's.csv'), 'name,who\nx,1\n');
    expect(() => read({subjects: 's.csv'})).toThrow(/the header is 'name,who'/);
    writeFileSync(path.join(folder, 's.csv'), '\uFEFFclip,subject\r\nx,anna\r\n');
    expect(read({subjects: 's.csv'}).clips[0]!.subject).toBe('anna');
  });
});
