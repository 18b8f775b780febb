import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'
import { startGuardian } from './cluster/guardian.ts'
import { clusterPrograms } from './cluster/packages.ts'
import type { Mode } from './cluster/patroni.ts'
import { everyFault, type FaultName } from './faults.ts'

/**
 * Loses the primary of a PostgreSQL cluster under load, in every way, and looks at whether anything that was acknowledged
 * went with it. Exits with 1 when it did, and with 0 where the cluster cannot be had.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    rows: { type: 'string' },
    mode: { type: 'string' },
    fault: { type: 'string', multiple: true },
    seed: { type: 'string' },
    short: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const { short, keep } = values
const faultNames = values.fault?.map(faultOf) ?? (short ? (['kill', 'switchover'] as const) : everyFault)
const modes = modesOf(values.mode ?? (short ? 'sync' : 'both'))
const rounds = Number(values.rounds ?? faultNames.length)
const rows = Number(values.rows ?? (short ? 50_000 : 200_000))
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(rows) || rows < 1000 || !Number.isInteger(seed)) {
  throw new Error('--rounds, --rows (1,000 at least) and --seed are whole numbers')
}

const programs = await clusterPrograms()
if (typeof programs === 'string') {
  console.log(`failover: skipped, since ${programs}`)
  process.exit()
}
console.log(`failover: ${rounds} rounds of ${modes.join(' and ')}, ${rows} rows, seed ${seed}`)
const began = performance.now()
const folder = await realpath(await mkdtemp(join(tmpdir(), 'jobs-failover-')))
await chmod(folder, 0o755)
const guardian = startGuardian(folder, keep)
/** The guardian ends servers, too, and a server that ends by itself is otherwise an error of the run. */
const end = () => {
  process.on('unhandledRejection', () => {})
  return guardian.end()
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.log(`failover: ended by ${signal}`)
    void end().then(() => process.exit(130))
  })
}
try {
  const wrong = await runCampaign({ programs, guardian, folder, modes, faultNames, rounds, rows, seed })
  process.exitCode = wrong === 0 ? 0 : 1
  const took = `${Math.round((performance.now() - began) / 1000)} s; seed ${seed}`
  console.log(wrong === 0 ? `\nAll is as it should be, after ${took}.` : `\n${wrong} violations, after ${took}.`)
} catch (error) {
  process.exitCode = 1
  console.error(error)
} finally {
  await end()
  if (keep) console.log(`The logs are in ${folder}.`)
}
process.exit()

function faultOf(text: string): FaultName {
  const found = everyFault.find((name) => name === text)
  if (found) return found
  throw new Error(`--fault is one of ${everyFault.join(', ')}`)
}

function modesOf(text: string): readonly Mode[] {
  if (text === 'both') return ['sync', 'async']
  if (text === 'sync' || text === 'async') return [text]
  throw new Error('--mode is sync, async or both')
}
