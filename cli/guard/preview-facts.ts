import type { z } from 'zod'
import type { Preview } from '../../shared/changes/bulk-change.ts'
import { escaped } from '../escape.ts'
import { groupedDigits, jobsText, sumOf } from '../output/numbers.ts'
import type { BulkChange, Previewed } from './change.ts'

/** The words for the reasons that servers send. */
const reasonWords = new Map([
  ['age', 'queued for too long'],
  ['runtime', 'running for too long'],
  ['stale_lease', 'with a lease but not running'],
  ['expired_lease', 'running with an expired lease'],
  ['cancelled', 'queued, to be cancelled'],
  ['asked', 'running, to be asked to end'],
  ['ended', 'running, to be ended'],
])

/** What a preview says beside the groups; a field that a server does not send is undefined. */
interface Facts {
  /** `10 queued for too long`, one text for each reason. */
  reasons: string[]
  dependents: number
  restorable: number | undefined
}

function factsOf(previews: readonly Preview[]): Facts {
  const counts = new Map<string, number>()
  for (const { reason, count } of previews.flatMap(({ reasons = [] }) => reasons)) {
    counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  const known = previews.flatMap(({ restorable }) => restorable ?? [])
  return {
    reasons: [...counts].map(([reason, n]) => `${groupedDigits(n)} ${reasonWords.get(reason) ?? escaped(reason)}`),
    dependents: sumOf(previews.flatMap(({ dependents }) => dependents ?? [])),
    restorable: known.length === previews.length && known.length > 0 ? sumOf(known) : undefined,
  }
}

type Along = BulkChange<z.ZodType, z.ZodType>['along']

const dependentsText = (count: number, along: Along): string => {
  const state = along === undefined ? 'queued' : 'cancelled'
  return `${groupedDigits(count)} ${state} ${count === 1 ? 'job that depends' : 'jobs that depend'} on`
}

/** The lines of a preview at a terminal: why jobs match, which jobs are cancelled along, how many an undo could give back. */
export function factLines<In extends z.ZodType, Out extends z.ZodType>(
  { name, along }: Pick<BulkChange<In, Out>, 'name' | 'along'>,
  { total, previews = [] }: Previewed<Out>,
): string[] {
  const { reasons, dependents, restorable } = factsOf(previews)
  const backText = (count: number) =>
    count === 0 ? 'none of these jobs' : `${groupedDigits(Math.min(count, total))} of ${jobsText(total)}`
  return [
    ...(reasons.length > 0 ? [`Why these jobs match: ${reasons.join(', ')}`] : []),
    ...(dependents > 0
      ? [`${along === undefined ? 'Cancelled' : 'Brought back'} along: ${dependentsText(dependents, along)} these jobs`]
      : []),
    // No undo can be undone, which is not a fact of this preview.
    ...(restorable !== undefined && name !== 'undo' ? [`An undo could give back ${backText(restorable)}`] : []),
  ]
}

/**
 * The preview in one sentence: the count, and what a reader may not expect: several reasons, jobs that are cancelled along,
 * jobs that no undo could give back.
 */
export function previewSentence<In extends z.ZodType, Out extends z.ZodType>(
  { say, undoable, along }: Pick<BulkChange<In, Out>, 'say' | 'undoable' | 'along'>,
  { total, previews = [] }: Previewed<Out>,
): string {
  const { reasons, dependents, restorable = total } = factsOf(previews)
  const them = total === 1 ? 'it' : 'them'
  const lost = undoable === true && restorable < total
  const back = restorable === 0 ? `not give back ${them}` : `give back ${groupedDigits(restorable)} of them`
  return [
    `${say(jobsText(total), false)}${reasons.length > 1 ? ` (${reasons.join(', ')})` : ''}`,
    ...(dependents > 0 ? [`${dependentsText(dependents, along)} ${them} would be ${along ?? 'cancelled'} along`] : []),
    ...(lost ? [`an undo could ${back}`] : []),
  ].join('; ')
}
