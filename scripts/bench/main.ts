import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../postgres/start.ts'
import { createBench } from './bench.ts'
import { type Measured, measured } from './figure.ts'
import { figures } from './figures/all.ts'
import { tableOf } from './report.ts'

/** Ends the process with what is wrong with the command line. */
function refused(why: string): never {
  console.error(`error: ${why}\nusage: npm run bench -- [--rows 1m|10m] [--only <part of a name>] [--json <file>]`)
  console.error(`names:\n${figures.map(({ name }) => `  ${name}`).join('\n')}`)
  process.exit(2)
}

/** The flags, as they were typed. */
function flags() {
  const options = {
    rows: { type: 'string', default: '1m' },
    only: { type: 'string' },
    json: { type: 'string', default: 'bench.json' },
  } as const
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error))
  }
}

/**
 * Measures what the product costs beside what it replaces. Exits with 1 when a figure could not be measured; one that
 * misses its reach is told, and no error.
 * Its method is in docs/explain/how-fast.md.
 */
const values = flags()
const sizes = new Map([
  ['1m', 1_000_000],
  ['10m', 10_000_000],
])
const rows = sizes.get(values.rows)
if (rows === undefined) refused('--rows is 1m or 10m')
const { only } = values
if (only?.trim() === '') refused('--only must not be blank')
const wanted = figures.filter(({ name }) => only === undefined || name.includes(only))
if (wanted.length === 0) refused(`no figure has ${only} in its name`)

const began = performance.now()
const tell = (what: string) =>
  console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${what}`)
const folder = await mkdtemp(join(tmpdir(), 'jobs-bench-'))
const postgres = await startPostgres([
  ...['shared_buffers=1GB', 'max_wal_size=4GB', 'max_connections=100', 'autovacuum=on'],
  // The texts of whole statements, to be run by pgbench.
  'track_activity_query_size=64kB',
])
const table: Measured[] = []
try {
  const bench = await createBench({ rows, folder, url: postgres.url, tell })
  for (const figure of wanted) {
    tell(figure.name)
    table.push(await measured(bench, figure))
  }
  await bench.close()
} finally {
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
const seconds = Math.round((performance.now() - began) / 1000)
const run = { rows, node: process.version, cpus: cpus().length, seconds, ended: new Date().toISOString() }
console.log(`${tableOf(table)}\n\n${rows.toLocaleString('en')} rows, ${seconds} s`)
await writeFile(values.json, `${JSON.stringify({ ...run, figures: table }, null, 2)}\n`)
console.log(`also in ${values.json}`)
process.exit(table.some(({ failed }) => failed !== undefined) ? 1 : 0)
