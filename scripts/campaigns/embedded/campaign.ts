import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endServer, launchServer } from '../../launch/server.ts'
import { createRandom } from '../stress/random.ts'
import { missingPromise } from '../trouble/pages.ts'
import type { Case } from './case.ts'
import { readyUrl } from './checks.ts'
import { makeFaultTools } from './faults/fault-files.ts'
import { limits } from './limits.ts'
import type { Row } from './report.ts'
import { openRound } from './round.ts'

/** What all rounds share. */
export interface Campaign {
  /** Plays a round of the case of a row, writes what came into the row, and prints it. */
  play: (row: Row, at: number) => Promise<void>
}

/** Makes the script with the faults, and a database that rounds copy. */
export async function makeCampaign({ home, seed }: { home: string; seed: number }): Promise<Campaign> {
  const template = join(home, 'template')
  const tools = await makeFaultTools(home)
  // Made where the rounds have their copies: elsewhere a copy is taken for a clone, in which nothing is done in the background.
  await makeTemplate(home, join(home, 'round', 'data'))
  await rename(join(home, 'round', 'data'), template)
  await rm(join(home, 'round'), { recursive: true })

  /** Plays one round. Returns what came, and the lies. */
  const playRound = async (of: Case, at: number) => {
    const way = of.ways[at % of.ways.length]
    if (!way) throw new Error(`${of.name} has no way`)
    const skipped = way.missing?.()
    if (skipped) return { came: `skipped, ${way.name}: ${skipped}`, lies: [] }
    const folder = join(home, 'round')
    await mkdir(folder)
    await chmod(folder, 0o777) // a server of another user keeps files beside its data
    const lies: string[] = []
    const lie = (sentence: string) => void lies.push(`round ${at + 1}, ${way.name}: ${sentence}`)
    const random = createRandom(seed, `${of.name} ${at}`)
    const round = await openRound({ template, tools, at, random, home: folder, lie })
    try {
      return { came: `${way.name}: ${await way.run(round)}`, lies }
    } finally {
      await round.end()
      await rm(folder, { recursive: true, force: true })
    }
  }

  return {
    async play(row, at) {
      const began = performance.now()
      const { came, lies } = await playRound(row.of, at)
      row.rounds += 1
      row.came.set(came, (row.came.get(came) ?? 0) + 1)
      row.lies.push(...lies)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const words = [`${row.of.name}, round ${at + 1}, ${seconds} s: ${came}`, ...lies.map((lie) => `  LIE ${lie}`)]
      console.log(words.join('\n'))
    },
  }
}

/** A row for a case; undefined, and a line that says why, when no round can be played on this machine. */
export async function rowOf(of: Case): Promise<Row | undefined> {
  const missing = of.missing?.()
  if (missing) {
    console.log(`skipped ${of.name}: ${missing}`)
    return undefined
  }
  const stale = await Promise.all(of.promised.map(missingPromise))
  return { of, rounds: 0, came: new Map(), lies: stale.flatMap((lie) => lie ?? []) }
}

/** The first start of a server makes the database, which takes seconds. */
async function makeTemplate(home: string, folder: string): Promise<void> {
  const server = launchServer({ folder: home, env: { JOBS_DATA_DIR: folder } })
  if (!(await readyUrl(server, 4 * limits.recover))) throw new Error(`no database was made: ${server.text()}`)
  await endServer(server, 'SIGTERM')
  await rm(join(folder, 'control.sock'), { force: true })
}
