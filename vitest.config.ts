import { defineConfig } from 'vitest/config'

// One process per file, and never more than two at a time: many tests start real programs on what may be two cores.
export default defineConfig({
  test: {
    include: ['{shared,electron,renderer,e2e}/**/*.test.ts'],
    exclude: ['e2e/lint/wrong/**', 'node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
})
