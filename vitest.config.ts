import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    // One more than the cores of a small machine, since many tests wait for a time to pass. An embedded
    // database takes 280 MB, and a core while it starts: still more at once are slower.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The tests drive the program that is shipped, not its source.
    server: { deps: { external: [/\/dist\//] } },
  },
})
