import { defineConfig } from 'vitest/config';

/** Unit and property tests sit beside their file; what crosses folders is in `test/`. */
export default defineConfig({
  test: {
    include: ['{node,harness,test,tools}/**/*.test.ts'],
    // Two cores: the tests that start real processes must not starve each other.
    maxWorkers: 2,
    // Many claims are about real processes and sockets on shared machines: one stall there must not fail the whole run.
    retry: process.env['CI'] ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
