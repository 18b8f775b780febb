import { rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../launch/postgres.ts'
import { soak } from './soak.ts'

/**
 * Lets two servers, a pooler, workers, operators, a policy and the dashboard work together for an hour, while servers and workers are killed,
 * and looks whether anything is lost, leaks or grows. Exits with 1 when something does. `--minutes` is how long jobs are enqueued, and
 * `--short` sets it to 3; `--rate` is the number of jobs a second, and `--keep` keeps the logs. SIGINT, SIGTERM and SIGHUP end all processes and
 * remove all folders.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    short: { type: 'boolean', default: false },
    rate: { type: 'string', default: '40' },
    keep: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes ?? (values.short ? 3 : 60))
const perSecond = Number(values.rate)
if (!(minutes >= 2) || !(perSecond > 0)) throw new Error('--minutes is a number of at least 2, and --rate one above 0')

console.log(`soak: ${minutes} minutes, ${perSecond} jobs a second`)
const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'jobs-soak-'))
await chmod(folder, 0o755)
const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.log(`soak: ended by ${signal}`)
    // Each process that was started is killed by a listener of this event, or ends when its input closes. The folder goes after them.
    process.once('exit', () => (values.keep ? console.log(`The logs are in ${folder}.`) : removeFolder()))
    process.exit(128 + constants.signals[signal])
  })
}
const database = await startPostgres(['autovacuum_naptime=10s', 'max_connections=200'])
try {
  const violations = await soak({ minutes, perSecond, folder, dbUrl: database.url })
  process.exitCode = violations === 0 ? 0 : 1
  const took = `${Math.round((performance.now() - began) / 60_000)} min`
  console.log(violations === 0 ? `\nEvery promise was kept, in ${took}.` : `\n${violations} violations, in ${took}.`)
} finally {
  await database.stop()
  if (values.keep || process.exitCode !== 0) console.log(`The logs are in ${folder}.`)
  else removeFolder()
}
process.exit()
