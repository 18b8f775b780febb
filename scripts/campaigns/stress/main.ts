import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../launch/postgres.ts'
import { runCampaign } from './campaign.ts'

/**
 * Sends jobs through workers and servers under fault injection and checks the result. Exits with 1 when it finds a
 * violation. `--jobs` is the number of jobs, `--seed` repeats the random choices of a run, and `--keep` keeps the
 * journals and logs.
 */
const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '20000' }, seed: { type: 'string' }, keep: { type: 'boolean' } },
})
const jobs = Number(values.jobs)
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(jobs) || jobs < 1 || !Number.isInteger(seed))
  throw new Error('--jobs must be an integer of at least 1, and --seed an integer')

console.log(`stress: ${jobs} jobs, seed ${seed}`)
const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'jobs-stress-'))
const postgres = await startPostgres()
try {
  const violations = await runCampaign({ jobs, seed, folder, dbUrl: postgres.url })
  process.exitCode = violations === 0 ? 0 : 1
  const took = `${Math.round((performance.now() - began) / 1000)} s`
  console.log(violations === 0 ? `\nNo violation after ${took}.` : `\n${violations} violations after ${took}.`)
} finally {
  await postgres.stop()
  if (values.keep) console.log(`The journals are in ${folder}.`)
  else await rm(folder, { recursive: true, force: true })
}
process.exit()
