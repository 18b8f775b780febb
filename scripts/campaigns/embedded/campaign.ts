import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { endServer, launchServer } from '../../launch/server.ts'
import { defineCampaign, only, seed, whole } from '../campaign.ts'
import { missingPromise } from '../promised.ts'
import { createRandom } from '../stress/random.ts'
import type { Case } from './case.ts'
import { cases } from './cases/all.ts'
import { readyUrl } from './checks.ts'
import { makeFaultTools } from './faults/fault-files.ts'
import { limits } from './limits.ts'
import { printTable, type Row } from './report.ts'
import { openRound } from './round.ts'

/**
 * Lets the embedded database get into each kind of trouble again and again, under calls over HTTP. Each round looks whether
 * all that was confirmed is there afterwards, calls were answered and processes ended within their limits, and the log names
 * the cause.
 */
export const embedded = defineCampaign({
  about: 'an embedded database without power, disk, memory, rights or its thread, in the middle of calls',
  flags: z.object({ rounds: whole(1, 'rounds of each case').default(50), only, seed }),
  async run({ rounds, only, seed }, { folder, onSignal }) {
    const chosen = cases.filter(({ name }) => name.includes(only))
    if (chosen.length === 0) throw new Error(`--only is a text of: ${cases.map(({ name }) => name).join(', ')}`)
    await chmod(folder, 0o711) // servers of another user reach their folders
    let stopping = false
    onSignal(() => {
      stopping = true
      console.log('this round is the last one')
    })
    const { play } = await makeRounds({ home: folder, seed })
    const rows: Row[] = []
    for (const each of chosen) {
      const row = await rowOf(each)
      if (row) rows.push(row)
    }
    // Round by round, so that a run that is stopped has played each case.
    for (let at = 0; at < rounds; at += 1) {
      for (const row of rows) if (!stopping) await play(row, at)
    }
    printTable(rows)
    return rows.reduce((sum, row) => sum + row.lies.length, 0)
  },
})

/** What all rounds share. */
interface Rounds {
  /** Plays a round of the case of a row, writes what came into the row, and prints it. */
  play: (row: Row, at: number) => Promise<void>
}

/** Makes the script with the faults, and a database that rounds copy. */
async function makeRounds({ home, seed }: { home: string; seed: number }): Promise<Rounds> {
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
async function rowOf(of: Case): Promise<Row | undefined> {
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
