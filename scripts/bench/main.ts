import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../launch/postgres.ts'
import { createBench } from './bench.ts'
import { type Measured, measureFigure } from './figure.ts'
import { figures } from './figures/all.ts'
import { formatTable } from './report.ts'
import { measureSizes } from './sizing/measure.ts'

/** The name of the measurements that have no other side: what jobs take. Not part of a whole run. */
const sizing = 'sizing'

const usage = `usage: npm run bench -- [--rows 1m|10m] [--only <part of a name>|${sizing}] [--json <file>]
names (${sizing} is taken only as a whole word):
${[...figures, { name: sizing }].map(({ name }) => `  ${name}`).join('\n')}`

/** Prints a usage error and exits with 2. */
function exitWithUsage(why: string): never {
  console.error(`error: ${why}\n${usage}`)
  process.exit(2)
}

/** Parses the flags. Their values are not checked. */
function parseFlags() {
  const options = {
    rows: { type: 'string', default: '1m' },
    only: { type: 'string' },
    json: { type: 'string', default: 'bench.json' },
    help: { type: 'boolean', short: 'h', default: false },
  } as const
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return exitWithUsage(error instanceof Error ? error.message : String(error))
  }
}

/**
 * Measures the product and the programs or SQL that it replaces. Exits with 1 when a figure could not be measured. A
 * figure that misses its target is reported and is not an error. The method is in docs/explain/how-it-is-measured.md.
 */
const values = parseFlags()
if (values.help) {
  console.log(usage)
  process.exit()
}
const sizes = new Map([
  ['1m', 1_000_000],
  ['10m', 10_000_000],
])
const rows = sizes.get(values.rows)
if (rows === undefined) exitWithUsage('--rows must be 1m or 10m')
const { only } = values
if (only?.trim() === '') exitWithUsage('--only must not be blank')
const selected = figures.filter(({ name }) => only === undefined || name.includes(only))
const isSizing = only === sizing
if (selected.length === 0 && !isSizing) exitWithUsage(`no figure has ${only} in its name`)

const began = performance.now()
const secondsUntilNow = () => Math.round((performance.now() - began) / 1000)
const logProgress = (message: string) => console.error(`${String(secondsUntilNow()).padStart(4)} s  ${message}`)

/** The file of the results of a run, which may go on. */
const resultsOf = (figures: readonly Measured[]): string => {
  const run = {
    rows,
    node: process.version,
    cpus: cpus().length,
    seconds: secondsUntilNow(),
    ended: new Date().toISOString(),
  }
  return `${JSON.stringify({ ...run, figures }, null, 2)}\n`
}
const folder = await mkdtemp(join(tmpdir(), 'jobs-bench-'))
const postgres = await startPostgres([
  ...['shared_buffers=1GB', 'max_wal_size=4GB', 'autovacuum=on'],
  // The servers of all figures run until the end.
  'max_connections=400',
  // PostgreSQL keeps the full texts of long statements, which pgbench runs later.
  'track_activity_query_size=64kB',
  // The WAL of a database that must survive a crash; what is measured comes between two checkpoints, and is vacuumed by hand.
  ...(isSizing ? ['full_page_writes=on', 'autovacuum=off', 'checkpoint_timeout=1h', 'max_wal_size=16GB'] : []),
])
const table: Measured[] = []
try {
  const bench = await createBench({ rows, folder, url: postgres.url, logProgress })
  if (isSizing) {
    await writeFile(values.json, `${JSON.stringify(await measureSizes(bench), null, 2)}\n`)
    console.log(`The results are in ${values.json}.`)
  }
  for (const figure of selected) {
    logProgress(figure.name)
    table.push(await measureFigure(bench, figure))
    // A whole run takes an hour: what was measured is kept where it is ended before.
    await writeFile(values.json, resultsOf(table))
  }
  await bench.close()
} finally {
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
if (isSizing) process.exit()
console.log(`${formatTable(table)}\n\n${rows.toLocaleString('en')} rows, ${secondsUntilNow()} s`)
console.log(`The results are in ${values.json}.`)
process.exit(table.some(({ failed }) => failed !== undefined) ? 1 : 0)
