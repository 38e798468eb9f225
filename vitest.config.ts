import {defineConfig} from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/own-temporary-files.ts',
    pool: 'forks',
    maxWorkers: 2,
    // As the command line has it.
    env: {ORT_DISABLE_TELEMETRY: '1'},
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
