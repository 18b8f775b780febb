import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { unprivileged } from '../../launch/postgres-binaries.ts'
import { printVerdicts } from '../stress/checks/report.ts'
import { startCluster } from './cluster/cluster.ts'
import type { Guardian } from './cluster/guardian.ts'
import { createNetwork } from './cluster/network.ts'
import type { Programs } from './cluster/packages.ts'
import type { Mode } from './cluster/patroni.ts'
import { type FaultName, faults } from './faults.ts'
import { printFigures, type Reported, summed } from './report.ts'
import { runRound } from './round.ts'

interface Campaign {
  programs: Programs
  guardian: Guardian
  folder: string
  modes: readonly Mode[]
  faultNames: readonly FaultName[]
  /** Rounds of each mode. */
  rounds: number
  rows: number
  seed: number
}

/** A cluster for each mode, and a round for each fault. Returns how many violations there are. */
export async function runCampaign(campaign: Campaign): Promise<number> {
  const { guardian, modes } = campaign
  const network = await createNetwork(guardian)
  if (!network.cutting) {
    console.log('network namespaces cannot be made here, so no primary is cut off from the network')
  }
  const done: Reported[] = []
  for (const mode of modes) done.push(...(await runMode(campaign, mode, network)))
  printFigures(done)
  return printVerdicts(summed(done))
}

async function runMode(campaign: Campaign, mode: Mode, network: Awaited<ReturnType<typeof createNetwork>>) {
  const { programs, folder, faultNames, rounds, rows, seed } = campaign
  const began = performance.now()
  const tell = (what: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1)} s  ${mode}: ${what}`)
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
    done.push({ ...result, mode, fault: fault.name })
  }
  await cluster.stop()
  return done
}
