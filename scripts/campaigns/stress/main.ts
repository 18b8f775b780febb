import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../postgres/start.ts'
import { runCampaign } from './campaign.ts'

/** Many workers, much trouble, and a look at whether everything came out right. Exits with 1 when it did not. */
const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '20000' }, seed: { type: 'string' }, keep: { type: 'boolean' } },
})
const jobs = Number(values.jobs)
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(jobs) || jobs < 1 || !Number.isInteger(seed))
  throw new Error('--jobs and --seed are whole numbers')

console.log(`stress: ${jobs} jobs, seed ${seed}`)
const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'jobs-stress-'))
const postgres = await startPostgres()
try {
  const wrong = await runCampaign({ jobs, seed, folder, dbUrl: postgres.url })
  process.exitCode = wrong === 0 ? 0 : 1
  const took = `${Math.round((performance.now() - began) / 1000)} s`
  console.log(wrong === 0 ? `\nAll is as it should be, after ${took}.` : `\n${wrong} violations, after ${took}.`)
} finally {
  await postgres.stop()
  if (values.keep) console.log(`The journals are in ${folder}.`)
  else await rm(folder, { recursive: true, force: true })
}
process.exit()
