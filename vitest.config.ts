import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { repeatedTests } from './test/support/repeated-tests.ts'
import { sampled } from './test/support/sample.ts'

type Options = NonNullable<TestProjectInlineConfiguration['test']>

/**
 * The folders of `test/`: `npx vitest run --project unit` runs one of them. `npm test` runs `unit`, `server`, `cli`, `sdk` and
 * `docs`.
 * `npx vitest run --project models` runs random histories against a model. `npm run test:long` runs the tests of the server on the
 * embedded database, that database in trouble, `slow`: tests that wait for limits of the product or run a long table of cases, an old and a
 * new server, the commands of every page, and completion in the shells that are installed. `npm run test:ui` runs `ui`: the dashboard in chromium. `npm run test:engines`
 * installs the engines of others and runs `engines`: tests beside them.
 */
const folders = ['unit', 'server', 'cli', 'sdk', 'models', 'docs', 'faults', 'slow', 'upgrade', 'pages', 'shells', 'ui']

/** Both databases get the same statements, and the embedded one takes twice as much processor time for a test file. */
const onPostgres = ['server', 'cli']

/** What a call may look like, and who may do what and when, is decided by the server, from rows that are the same on both databases. */
const onPostgresAlone = ['access', 'agents', 'http', 'plans', 'policy'].map((folder) => join('test', 'server', folder))

/** Test files that `npm test` runs on PostgreSQL, and `npm run test:long` on the embedded database. CI runs half of them there each day. */
const halves = readdirSync(join('test', 'server'), { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', 'server', file))
  .filter((file) => file.endsWith('.test.ts') && !onPostgresAlone.some((folder) => file.startsWith(folder)))
  .filter((file) => readFileSync(file, 'utf8').includes('.each(kinds)'))
  .sort()

const special: Record<string, Options | undefined> = {
  // Each patch of the driver, too: these tests need neither the build nor PostgreSQL.
  unit: { include: ['test/unit/**/*.test.ts', 'test/driver/**/*.test.ts'] },
  // A test of the dashboard may look at thirty pages.
  ui: { testTimeout: 600_000 },
}

const project = (name: string, more: Options = {}): TestProjectInlineConfiguration => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    provide: { kinds: onPostgres.includes(name) ? ['postgres'] : ['embedded', 'postgres'] },
    setupFiles: 'test/support/setup.ts',
    pool: 'forks',
    // One process runs many files: modules are loaded once, not for each file. No test file changes a module.
    isolate: false,
    // A machine four times as slow passes, too: a limit only ends a test that hangs.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    retry: Number(process.env.TEST_RETRIES ?? 0),
    // The tests of the server drive the program that is shipped, not its source.
    server: { deps: { external: [/\/dist\//] } },
    ...more,
  },
})

export default defineConfig({
  test: {
    globalSetup: 'test/support/global-setup.ts',
    // One more than the cores of a small machine, since many tests wait for a time to pass. An embedded
    // database takes 280 MB, and a core while it starts: still more at once are slower.
    maxWorkers: 3,
    reporters: ['default', repeatedTests],
    projects: [
      ...folders.map((name) => project(name, special[name])),
      project('engines', { provide: { kinds: ['postgres'] } }),
      // The other half of `server`. The few tests of these files that are about PostgreSQL alone run twice.
      project('embedded', { include: sampled(halves, Math.ceil(halves.length / 2)), provide: { kinds: ['embedded'] } }),
    ],
  },
})
