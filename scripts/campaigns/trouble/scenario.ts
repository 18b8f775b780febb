import type { Promised } from '../promised.ts'
import type { Tried } from './actions.ts'
import { lieOf, wordsOf } from './outcome.ts'
import type { Stage } from './stage.ts'

/** One kind of bad surroundings, and what the pages promise for it. */
export interface Scenario {
  trouble: string
  promised: Promised
  /** The outcomes that keep the promise, by their code; `ok` is a success. */
  allowed: readonly string[]
  /** Returns what was tried, or why the scenario cannot run on this machine. */
  run: (stage: Stage) => Promise<Tried[] | { skipped: string }>
}

/** What was found out by one scenario. */
export interface Row extends Pick<Scenario, 'trouble' | 'promised'> {
  /** How often each action ended in which way. */
  came: string[]
  lies: string[]
}

/** Counts the outcomes of a scenario, and compares each with the jobs and with what is allowed. */
export function rowOf({ trouble, promised, allowed }: Scenario, tries: readonly Tried[]): Row {
  const times = new Map<string, number>()
  const lies: string[] = []
  for (const { action, outcome, jobs, changed } of tries) {
    const words = `${action}: ${wordsOf(outcome)}`
    times.set(words, (times.get(words) ?? 0) + 1)
    const lie = lieOf(outcome, { jobs, changed })
    if (lie) lies.push(`${action}: ${lie}`)
    else if (!allowed.includes(outcome.code)) lies.push(`${words} "${outcome.sentence}" is not what was promised`)
  }
  if (tries.length === 0) lies.push('nothing was tried')
  return { trouble, promised, lies, came: [...times].map(([words, n]) => (n === 1 ? words : `${n} × ${words}`)) }
}

/** Prints what was promised and what came for one kind of trouble. */
export function printRow({ trouble, promised, came, lies }: Row): void {
  console.log(`\n${lies.length === 0 ? 'kept  ' : 'BROKEN'}  ${trouble}`)
  console.log(`  promised  "${promised.sentence}" (${promised.page})`)
  for (const [at, words] of came.entries()) console.log(`  ${at === 0 ? 'came     ' : '         '} ${words}`)
  for (const lie of lies) console.log(`  lie       ${lie}`)
}
