import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { unprivileged } from '../../launch/postgres-binaries.ts'
import { defineCampaign, type Run, seed, short, whole } from '../campaign.ts'
import { brokenIn, printVerdicts } from '../verdict.ts'
import { startCluster } from './cluster/cluster.ts'
import { startGuardian } from './cluster/guardian.ts'
import { createNetwork } from './cluster/network.ts'
import { clusterPrograms, type Programs } from './cluster/packages.ts'
import type { Mode } from './cluster/patroni.ts'
import { everyFault, type FaultName, faults } from './faults.ts'
import { printFigures, type Reported, summed } from './report.ts'
import { runRound } from './round.ts'

/**
 * Loses the primary of a PostgreSQL cluster under load, in every way, and looks at whether anything that was acknowledged
 * went with it. Nothing is tried where the cluster cannot be had.
 */
export const failover = defineCampaign({
  about:
    'the primary of a cluster killed, frozen, cut off and switched under load, and whether anything acknowledged is lost',
  flags: z.object({
    rounds: whole(1, 'rounds of each mode; one for each fault').optional(),
    rows: whole(1000, 'jobs that a prune deletes meanwhile; 200,000, or 50,000 with --short').optional(),
    mode: z.enum(['sync', 'async', 'both']).optional().describe('sync, async or both'),
    fault: z
      .array(z.enum(everyFault))
      .optional()
      .describe(`${everyFault.join(', ')}; may be given more than once`),
    ...{ seed, short },
  }),
  async run(
    { short, fault, mode = short ? 'sync' : 'both', rows = short ? 50_000 : 200_000, rounds, seed },
    { folder, log, onSignal },
  ) {
    const faultNames = fault ?? (short ? (['kill', 'switchover'] as const) : everyFault)
    const programs = await clusterPrograms()
    if (typeof programs === 'string') {
      console.log(`failover: skipped, since ${programs}`)
      return 0
    }
    const guardian = startGuardian(folder)
    const end = () => {
      // The guardian ends servers, too, and a server that ends by itself is otherwise an error of the run.
      process.on('unhandledRejection', () => {})
      return guardian.end()
    }
    onSignal(() => void end().then(() => process.exit(130)))
    try {
      const network = await createNetwork(guardian)
      if (!network.cutting) log('network namespaces cannot be made here, so no primary is cut off from the network')
      const done: Reported[] = []
      const campaign = { programs, network, folder, faultNames, rounds: rounds ?? faultNames.length, rows, seed, log }
      for (const each of mode === 'both' ? (['sync', 'async'] as const) : [mode]) {
        done.push(...(await runMode(campaign, each)))
      }
      printFigures(done)
      return printVerdicts(summed(done))
    } finally {
      await end()
    }
  },
})

interface Rounds extends Pick<Run, 'folder' | 'log'> {
  programs: Programs
  network: Awaited<ReturnType<typeof createNetwork>>
  faultNames: readonly FaultName[]
  /** How many there are. */
  rounds: number
  rows: number
  seed: number
}

async function runMode({ log, ...given }: Rounds, mode: Mode): Promise<Reported[]> {
  const { programs, network, folder, faultNames, rounds, rows, seed } = given
  const tell = (what: string) => log(`${mode}: ${what}`)
  const home = join(folder, mode)
  await mkdir(home)
  const cluster = await startCluster({ folder: home, account: unprivileged(), programs, network, mode })
  await cluster.healthy()
  tell('the standby streams')
  const possible = faultNames.filter((name) => name !== 'cut' || network.cutting)
  const done: Reported[] = []
  for (let round = 0; round < rounds; round++) {
    const name = possible[round % possible.length]
    if (name === undefined) break
    const fault = faults[name]
    tell(`-- round ${round + 1}: ${fault.name}`)
    const database = `round_${round + 1}`
    const result = await runRound({
      ...{ cluster, programs, mode, fault, rows, database, tell },
      ...{ seed: seed + round, folder: join(home, database) },
    })
    const wrong = result.verdicts.reduce((sum, verdict) => sum + verdict.wrong.length, 0)
    tell(wrong === 0 ? 'all is as it should be' : `${wrong} VIOLATIONS`)
    for (const text of brokenIn(result.verdicts)) tell(text)
    done.push({ ...result, mode, fault: fault.name })
  }
  await cluster.stop()
  return done
}
