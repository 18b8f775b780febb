import type { z } from 'zod'
import type { undo } from '../../../shared/changes/undo.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'

export type UndoAnswer = z.output<typeof undo.output>

/** What an undo says of the jobs that it cannot give back. */
type Left = Pick<UndoAnswer, 'conflict_count' | 'conflict_reasons' | 'conflicts'>

/** Whether an undo could not give back all jobs that the operation changed. */
export const isIncomplete = ({ conflict_count, skipped_locked = 0 }: UndoAnswer): boolean =>
  conflict_count > 0 || skipped_locked > 0

/** `note: 7,910 jobs cannot be given back: 7,910 jobs: the job has gone on, and is completed` */
export function reasonsNote(answers: readonly Left[]): string {
  const reasons = reasonsText(answers)
  return `note: ${jobsText(countOf(answers))} cannot be given back${reasons === '' ? '' : `: ${reasons}`}`
}

/** `7,900 jobs: gone on; 10 jobs: deleted` */
export function reasonsText(answers: readonly Left[]): string {
  const counts = new Map<string, number>()
  for (const { reason, count } of answers.flatMap(countedReasons)) counts.set(reason, (counts.get(reason) ?? 0) + count)
  const known = [...counts].sort(([, one], [, other]) => other - one)
  const rest = countOf(answers) - sumOf(known.map(([, count]) => count))
  return [
    ...known.map(([reason, count]) => `${jobsText(count)}: ${escaped(reason)}`),
    ...(known.length > 0 && rest > 0 ? [`${jobsText(rest)} whose reasons are not listed`] : []),
  ].join('; ')
}

/** The reasons as the server has counted them, or else those of the jobs that it lists. */
const countedReasons = ({ conflict_reasons, conflicts }: Left): { reason: string; count: number }[] =>
  conflict_reasons ?? conflicts.map(({ reason }) => ({ reason, count: 1 }))

/** `note: of them 3 running jobs, no longer asked to end`; undefined where there are none. */
export const withdrawnNote = (withdrawn = 0): string | undefined =>
  withdrawn === 0
    ? undefined
    : `note: of them ${groupedDigits(withdrawn)} running ${withdrawn === 1 ? 'job' : 'jobs'}, no longer asked to end`

const countOf = (answers: readonly Left[]): number => sumOf(answers.map(({ conflict_count }) => conflict_count))
