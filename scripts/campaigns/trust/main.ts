import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../postgres/start.ts'
import { runCampaign } from './campaign.ts'

/** Bulk changes, killed at any point, and a look at whether every row is where it must be. Exits with 1 when not. */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '9' },
    seed: { type: 'string' },
    keep: { type: 'boolean' },
  },
})
const [rows, rounds] = [Number(values.rows), Number(values.rounds)]
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(rows) || rows < 1000 || !Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  throw new Error('--rows (1,000 at least), --rounds and --seed are whole numbers')
}

console.log(`trust: ${rows} rows, ${rounds} rounds, seed ${seed}`)
const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'jobs-trust-'))
// What is confirmed must be on the disk when a process is killed, though not when the power is cut.
const database = await startPostgres(['synchronous_commit=on', 'full_page_writes=on'])
try {
  const wrong = await runCampaign({ rows, rounds, seed, folder, database })
  process.exitCode = wrong.length === 0 ? 0 : 1
  const took = `${Math.round((performance.now() - began) / 1000)} s; seed ${seed}`
  if (wrong.length === 0) console.log(`\nAll is as it should be, after ${took}.`)
  else console.log(`\n${wrong.length} violations, after ${took}:\n${wrong.map((what) => `  ${what}`).join('\n')}`)
} finally {
  await database.stop()
  if (values.keep) console.log(`The logs of the servers are in ${folder}.`)
  else await rm(folder, { recursive: true, force: true })
}
process.exit()
