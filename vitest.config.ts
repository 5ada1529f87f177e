import { defineConfig } from 'vitest/config';

/** Unit and property tests sit beside their file; what crosses folders is in `test/`. */
export default defineConfig({
  test: {
    include: ['{node,harness,test}/**/*.test.ts'],
    // Two cores: the tests that start real processes must not starve each other.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
