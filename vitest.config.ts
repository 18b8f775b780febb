import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    pool: 'forks',
    // An embedded database takes 280 MB and a core while it starts: more of them at once are slower.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The tests drive the program that is shipped, not its source.
    server: { deps: { external: [/\/dist\//] } },
  },
})
