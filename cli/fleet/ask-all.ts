import { inTurns } from '../../shared/in-turns.ts'
import { mostLinesOfAll } from './collect.ts'
import type { Answer, Failed, Together } from './run-one.ts'
import { sharesOf } from './shares.ts'

/** How many profiles are asked at once. Those without a server between share processes, which keep the cores busy. */
const [mostServers, mostDatabases] = [32, 4]

/** The largest answer of one profile, and of all together, in bytes: their rows are in memory. */
const [mostOfOne, mostBytes] = [32 * 2 ** 20, 48 * 2 ** 20]

type Own = Pick<Together, 'profile' | 'mostOfOne' | 'bytes' | 'rows'>
type Result = Answer | Failed

interface Asking {
  names: readonly string[]
  isDatabase: (name: string) => boolean
  /** For how long profiles are begun to be asked again; the last of them has its own time. */
  againMs: number
  ask: (own: Own) => Promise<Result>
}

/**
 * Asks all profiles at once, and those again whose answers found no room beside the others. What they lacked may be free by then: an
 * answer that is refused counts while it is read. One is asked after the other, so that each has all that is left: first those of which least was read.
 * @returns what became of each profile, by name
 */
export async function askAll({ names, isDatabase, againMs, ask }: Asking): Promise<Result[]> {
  const [bytes, rows] = [sharesOf(mostBytes), sharesOf(mostLinesOfAll)]
  const lacking: Own[] = []
  const results = new Map<string, Result>()
  const askOne = async (profile: string) => {
    const own = { profile, mostOfOne, bytes: bytes(), rows: rows() }
    const result = await ask(own)
    results.set(profile, result)
    const lacked = own.bytes.lacked() + own.rows.lacked() > 0
    if (lacked && 'failure' in result && result.printed.lines.length === 0) lacking.push(own)
  }
  await Promise.all([
    inTurns(
      names.filter((name) => !isDatabase(name)),
      mostServers,
      askOne,
    ),
    inTurns(names.filter(isDatabase), mostDatabases, askOne),
  ])
  const end = performance.now() + againMs
  for (const own of lacking.splice(0).sort((one, other) => one.bytes.lacked() - other.bytes.lacked()))
    if (own.bytes.fits() && own.rows.fits() && performance.now() < end) await askOne(own.profile)
  return names.flatMap((name) => results.get(name) ?? [])
}
