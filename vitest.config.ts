import { defineConfig } from 'vitest/config';

const project = (name: string, include: string[], options: object = {}) => ({
  test: {
    name,
    include,
    pool: 'forks' as const,
    isolate: false,
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // Nothing is lost that the sweep would have to find; what it looks for would only be computed.
    provide: { sweepIntervalMs: '60000' },
    ...options,
  },
});

/** The worst days of an operator: real faults and a killed worker, seen in the Temporal UI. It is a test of pages by its tools only. */
const operator = 'test/browser/operator.test.ts';

export default defineConfig({
  test: {
    // More workers than cores: a test mostly waits for Temporal, timers and other processes.
    maxWorkers: 3,
    // Set here and not in the projects, where it would run once per project (measured).
    globalSetup: ['test/globalSetup.ts'],
    projects: [
      project('unit', ['test/{domain,connectors,simulators,dev}/**/*.test.ts']),
      project('integration', ['test/{integration,api,invariants,workflows}/**/*.test.ts']),
      // Tests of pages, in a real Chromium.
      project('browser', ['test/browser/**/*.test.ts'], { exclude: [operator] }),
      // Not a test: it writes the histories that the replay test reads.
      project('record-histories', ['test/histories/record.ts']),
      project('chaos', ['test/chaos/**/*.test.ts', operator], {
        testTimeout: 480_000,
        provide: { sweepIntervalMs: '3000' },
      }),
    ],
    passWithNoTests: true,
  },
});
