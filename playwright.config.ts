import { defineConfig } from '@playwright/test'

// The same specs on both faces: in a browser against the headless product, and in Electron where its binary is to be had.
export default defineConfig({
  testDir: 'e2e/specs',
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/e2e.json' }]],
  projects: [{ name: 'browser', metadata: { face: 'browser' } }, { name: 'desktop', metadata: { face: 'desktop' } }],
})
