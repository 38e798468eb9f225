import {mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import path from 'node:path';
import {expect, test} from 'vitest';
import {digestOfText} from '../../cache/digest.js';
import {FileDigests} from '../../cache/file-digests.js';
import {Lineage} from '../../cache/lineage.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

/** A little longer than the two seconds after which a file counts as left alone. */
const leftAloneMs = 2_100;

test('a file that was left alone is known without being read, also in the next process', async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'video'), 'frames');
  await sleep(leftAloneMs);
  {
    using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
    const digests = new FileDigests(lineage);
    expect(digests.peek(path.join(folder, 'video'))).toBeUndefined();
    expect(await digests.digest(path.join(folder, 'video'))).toBe(digestOfText('frames'));
  }
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const digests = new FileDigests(lineage);
  expect(digests.peek(path.join(folder, 'video'))).toBe(digestOfText('frames'));
  // Other bytes of the same length, with the old modification time: the change time tells.
  const {atime, mtime} = statSync(path.join(folder, 'video'));
  writeFileSync(path.join(folder, 'video'), 'frameS');
  utimesSync(path.join(folder, 'video'), atime, mtime);
  expect(digests.peek(path.join(folder, 'video'))).toBeUndefined();
  expect(await digests.digest(path.join(folder, 'video'))).toBe(digestOfText('frameS'));
});

test('a file that was just written is not remembered, because the next write may leave the same time stamp', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const digests = new FileDigests(lineage);
  for (const text of ['one', 'two', 'six']) {
    writeFileSync(path.join(folder, 'annotation'), text);
    expect(await digests.digest(path.join(folder, 'annotation'))).toBe(digestOfText(text));
    expect(digests.peek(path.join(folder, 'annotation'))).toBeUndefined();
  }
});

test('a file dated in the future is not remembered', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const digests = new FileDigests(lineage);
  writeFileSync(path.join(folder, 'video'), 'frames');
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(path.join(folder, 'video'), tomorrow, tomorrow);
  await digests.digest(path.join(folder, 'video'));
  expect(digests.peek(path.join(folder, 'video'))).toBeUndefined();
});

test('where a file was when it was hashed is recorded', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  writeFileSync(path.join(folder, 'a'), 'frames');
  mkdirSync(path.join(folder, 'b'));
  writeFileSync(path.join(folder, 'b', 'a'), 'frames');
  const digests = new FileDigests(lineage);
  await digests.digest(path.join(folder, 'a'));
  await digests.digest(path.join(folder, 'b', 'a'));
  expect(lineage.query('SELECT digest, path FROM file').rows).toEqual([
    [digestOfText('frames'), path.join(folder, 'a')],
    [digestOfText('frames'), path.join(folder, 'b', 'a')],
  ]);
});

test('a file that is not there is the error of the file system, or nothing to a peek', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const digests = new FileDigests(lineage);
  expect(digests.peek(path.join(folder, 'missing'))).toBeUndefined();
  await expect(digests.digest(path.join(folder, 'missing'))).rejects.toMatchObject({code: 'ENOENT'});
});

test('a file that keeps changing while it is read is refused', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const file = path.join(folder, 'growing');
  writeFileSync(file, Buffer.alloc(8_000_000));
  const growing = setInterval(() => writeFileSync(file, 'x', {flag: 'a'}), 1);
  try {
    await expect(new FileDigests(lineage).digest(file)).rejects.toMatchObject({code: 'unstable-file'});
  } finally {
    clearInterval(growing);
  }
});

test('a folder of files is known like a file, until one of them is overwritten, added, renamed or removed', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const [crops, first] = [path.join(folder, 'crops'), path.join(folder, 'crops', '00001.jpg')];
  mkdirSync(path.join(folder, 'crops', 'deeper'), {recursive: true});
  writeFileSync(first, 'one');
  writeFileSync(path.join(folder, 'crops', '00002.jpg'), 'two');
  await sleep(leftAloneMs);
  const before = await new FileDigests(lineage).digest(crops);
  expect(new FileDigests(lineage).peek(crops)).toBe(before);

  // What does not belong to the folder's files: hidden files and deeper folders.
  writeFileSync(path.join(folder, 'crops', '.DS_Store'), 'hidden');
  writeFileSync(path.join(folder, 'crops', 'deeper', '00003.jpg'), 'deeper');
  expect(new FileDigests(lineage).peek(crops)).toBe(before);

  // Overwritten in place, with the old modification time: the folder's own time stamps stay.
  const {atime, mtime} = statSync(first);
  writeFileSync(first, 'One');
  utimesSync(first, atime, mtime);
  expect(new FileDigests(lineage).peek(crops)).toBeUndefined();
  const seen = [before, await new FileDigests(lineage).digest(crops)];
  for (const change of [
    () => renameSync(first, path.join(folder, 'crops', '00009.jpg')),
    () => writeFileSync(path.join(folder, 'crops', '00003.jpg'), 'three'),
    () => rmSync(path.join(folder, 'crops', '00002.jpg')),
  ]) {
    change();
    seen.push(await new FileDigests(lineage).digest(crops));
  }
  expect(new Set(seen).size).toBe(5);
});

test('the digest of a folder is that of its names and bytes, wherever it lies', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  for (const name of ['a', 'b', 'c']) mkdirSync(path.join(folder, name));
  for (const [name, texts] of Object.entries({a: ['one', 'two'], b: ['one', 'two'], c: ['two', 'one']})) {
    texts.forEach((text, index) => writeFileSync(path.join(folder, name, `0000${index + 1}.jpg`), text));
  }
  const digests = new FileDigests(lineage);
  const [a, b, c] = [
    await digests.digest(path.join(folder, 'a')),
    await digests.digest(path.join(folder, 'b')),
    await digests.digest(path.join(folder, 'c')),
  ];
  expect(a).toBe(b);
  expect(c).not.toBe(a);
});
