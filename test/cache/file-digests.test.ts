import {mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {expect, test} from 'vitest';
import {digestOfText} from '../../cache/digest.js';
import {FileDigests} from '../../cache/file-digests.js';
import {Lineage} from '../../cache/lineage.js';
import {temporaryFolder} from './temporary.js';

/** A little longer than the two seconds after which a file counts as left alone. */
const leftAloneMs = 2_100;

test('a file that was left alone is known without being read, also in the next process', async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.at('video'), 'frames');
  await sleep(leftAloneMs);
  {
    using lineage = Lineage.open(folder.at('lineage.sqlite'));
    const digests = new FileDigests(lineage);
    expect(digests.peek(folder.at('video'))).toBeUndefined();
    expect(await digests.digest(folder.at('video'))).toBe(digestOfText('frames'));
  }
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  const digests = new FileDigests(lineage);
  expect(digests.peek(folder.at('video'))).toBe(digestOfText('frames'));
  // Other bytes of the same length, with the old modification time: the change time tells.
  const {atime, mtime} = statSync(folder.at('video'));
  writeFileSync(folder.at('video'), 'frameS');
  utimesSync(folder.at('video'), atime, mtime);
  expect(digests.peek(folder.at('video'))).toBeUndefined();
  expect(await digests.digest(folder.at('video'))).toBe(digestOfText('frameS'));
});

test('a file that was just written is not remembered, because the next write may leave the same time stamp', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  const digests = new FileDigests(lineage);
  for (const text of ['one', 'two', 'six']) {
    writeFileSync(folder.at('annotation'), text);
    expect(await digests.digest(folder.at('annotation'))).toBe(digestOfText(text));
    expect(digests.peek(folder.at('annotation'))).toBeUndefined();
  }
});

test('a file dated in the future is not remembered', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  const digests = new FileDigests(lineage);
  writeFileSync(folder.at('video'), 'frames');
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(folder.at('video'), tomorrow, tomorrow);
  await digests.digest(folder.at('video'));
  expect(digests.peek(folder.at('video'))).toBeUndefined();
});

test('where a file was when it was hashed is recorded', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  writeFileSync(folder.at('a'), 'frames');
  mkdirSync(folder.at('b'));
  writeFileSync(folder.at('b', 'a'), 'frames');
  const digests = new FileDigests(lineage);
  await digests.digest(folder.at('a'));
  await digests.digest(folder.at('b', 'a'));
  expect(lineage.query('SELECT digest, path FROM file').rows).toEqual([
    [digestOfText('frames'), folder.at('a')],
    [digestOfText('frames'), folder.at('b', 'a')],
  ]);
});

test('a file that is not there is the error of the file system, or nothing to a peek', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  const digests = new FileDigests(lineage);
  expect(digests.peek(folder.at('missing'))).toBeUndefined();
  await expect(digests.digest(folder.at('missing'))).rejects.toMatchObject({code: 'ENOENT'});
});

test('a file that keeps changing while it is read is refused', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  const file = folder.at('growing');
  writeFileSync(file, Buffer.alloc(8_000_000));
  const growing = setInterval(() => writeFileSync(file, 'x', {flag: 'a'}), 1);
  try {
    await expect(new FileDigests(lineage).digest(file)).rejects.toMatchObject({code: 'unstable-file'});
  } finally {
    clearInterval(growing);
  }
});

test('a folder of files is known like a file, until one of them is overwritten, added, renamed or removed', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  const [crops, first] = [folder.at('crops'), folder.at('crops', '00001.jpg')];
  mkdirSync(folder.at('crops', 'deeper'), {recursive: true});
  writeFileSync(first, 'one');
  writeFileSync(folder.at('crops', '00002.jpg'), 'two');
  await sleep(leftAloneMs);
  const before = await new FileDigests(lineage).digest(crops);
  expect(new FileDigests(lineage).peek(crops)).toBe(before);

  // What does not belong to the folder's files: hidden files and deeper folders.
  writeFileSync(folder.at('crops', '.DS_Store'), 'hidden');
  writeFileSync(folder.at('crops', 'deeper', '00003.jpg'), 'deeper');
  expect(new FileDigests(lineage).peek(crops)).toBe(before);

  // Overwritten in place, with the old modification time: the folder's own time stamps stay.
  const {atime, mtime} = statSync(first);
  writeFileSync(first, 'One');
  utimesSync(first, atime, mtime);
  expect(new FileDigests(lineage).peek(crops)).toBeUndefined();
  const seen = [before, await new FileDigests(lineage).digest(crops)];
  for (const change of [
    () => renameSync(first, folder.at('crops', '00009.jpg')),
    () => writeFileSync(folder.at('crops', '00003.jpg'), 'three'),
    () => rmSync(folder.at('crops', '00002.jpg')),
  ]) {
    change();
    seen.push(await new FileDigests(lineage).digest(crops));
  }
  expect(new Set(seen).size).toBe(5);
});

test('the digest of a folder is that of its names and bytes, wherever it lies', async () => {
  using folder = temporaryFolder();
  using lineage = Lineage.open(folder.at('lineage.sqlite'));
  for (const name of ['a', 'b', 'c']) mkdirSync(folder.at(name));
  for (const [name, texts] of Object.entries({a: ['one', 'two'], b: ['one', 'two'], c: ['two', 'one']})) {
    texts.forEach((text, index) => writeFileSync(folder.at(name, `0000${index + 1}.jpg`), text));
  }
  const digests = new FileDigests(lineage);
  const [a, b, c] = [
    await digests.digest(folder.at('a')),
    await digests.digest(folder.at('b')),
    await digests.digest(folder.at('c')),
  ];
  expect(a).toBe(b);
  expect(c).not.toBe(a);
});
