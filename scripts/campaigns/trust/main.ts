import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../launch/postgres.ts'
import { runCampaign } from './campaign.ts'

/**
 * Injects faults into bulk changes and checks every row after each round. Exits with 1 when it finds a violation.
 * `--rows` is the number of jobs, `--rounds` the number of changes. `--seed` repeats the random choices of a run, and
 * `--keep` keeps the server logs. `--detached` is the share of changes that go on without their callers, and `--only` the text that
 * the names of the faults have.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string' },
    keep: { type: 'boolean' },
    detached: { type: 'string', default: '0.4' },
    only: { type: 'string', default: '' },
  },
})
const [rows, rounds, detachedShare] = [Number(values.rows), Number(values.rounds), Number(values.detached)]
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(rows) || rows < 1000 || !Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  throw new Error('--rows must be an integer of at least 1000, --rounds of at least 1, and --seed an integer')
}

console.log(`trust: ${rows} rows, ${rounds} rounds, seed ${seed}`)
const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'jobs-trust-'))
// Committed transactions must survive a killed process. They need not survive a power failure, so fsync stays off.
const database = await startPostgres(['synchronous_commit=on', 'full_page_writes=on'])
try {
  const violations = await runCampaign({ rows, rounds, seed, detachedShare, only: values.only, folder, database })
  process.exitCode = violations.length === 0 ? 0 : 1
  const took = `${Math.round((performance.now() - began) / 1000)} s; seed ${seed}`
  if (violations.length === 0) console.log(`\nNo violation after ${took}.`)
  else
    console.log(`\n${violations.length} violations after ${took}:\n${violations.map((text) => `  ${text}`).join('\n')}`)
} finally {
  await database.stop()
  if (values.keep) console.log(`The server logs are in ${folder}.`)
  else await rm(folder, { recursive: true, force: true })
}
process.exit()
