import {beforeAll, describe, expect, it} from 'vitest';
// @ts-expect-error -- the build script is plain JavaScript.
import {build} from '../build.js';
import {readClosures, readLock} from '../pipeline/identity.js';
import {stages} from '../stages/index.js';

describe('stage versions', () => {
  beforeAll(() => build());

  it('lock the source closure of every stage; run `npm run lock-stages` after bumping a version, or when the bytes stay equal', () => {
    const closures = readClosures();
    const now = Object.fromEntries(stages.map(({name, version}) => [name, {version, closure: closures[name]}]));
    expect(readLock()).toEqual(now);
  });
});
