#!/usr/bin/env node
/**
 * Starts the command line from dist/. In a checkout whose sources changed since the last build, builds first,
 * so that an edited stage is what runs.
 */
import {existsSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
if (existsSync(path.join(root, 'build.js'))) {
  const {build, builtDigest, sourceDigest} = await import(pathToFileURL(path.join(root, 'build.js')).href);
  if (builtDigest() !== sourceDigest()) await build();
}
await import(pathToFileURL(path.join(root, 'dist/main.js')).href);
