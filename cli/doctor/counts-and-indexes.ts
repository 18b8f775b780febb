import type { z } from 'zod'
import type { checkCounts } from '../../shared/doctor/counts.ts'
import type { Idle } from '../../shared/doctor/idle-indexes.ts'
import { escaped } from '../escape.ts'
import { groupedDigits, sizeText } from '../output/numbers.ts'
import type { Finding } from './outcome.ts'

type Counts = z.output<typeof checkCounts.output>

/** Whether stats are right, and whether triggers keep their counts. */
export function findingOfCounts({ kept, why, wrong, mended_at, mended }: Counts): Finding {
  if (!kept) {
    const reason = escaped(why ?? 'the server gives no reason')
    return {
      detail: `stats count the rows of jobs at each call: ${reason}`,
      hint: 'the counts are right but slower; read the log of the server',
    }
  }
  if (wrong > 0) {
    const detail = `the counts of stats were wrong by ${groupedDigits(wrong)} jobs; the server has corrected them`
    return { detail, hint: 'a program writes to jobs with triggers disabled: find it, and run jobsctl doctor again' }
  }
  const before =
    mended_at === null ? '' : `; ${groupedDigits(mended ?? 0)} jobs were corrected on ${mended_at.slice(0, 10)}`
  return { detail: `the counts of stats match the rows of jobs${before}`, hint: undefined }
}

/** Which indexes slow every write and are not used. */
export function findingOfIndexes(idle: readonly Idle[]): Finding {
  const sure = idle.filter(isSure)
  if (sure.length === 0) return { detail: 'every index of jobs is used', hint: undefined }
  const list = sure.map(({ index, bytes, why }) => `${escaped(index)} (${sizeText(bytes)}, ${escaped(why)})`)
  return {
    detail: `these indexes slow every write and are not used here: ${list.join(', ')}`,
    hint: 'the program that made an index may make it again at its next start, so change that program first; if no replica uses the index either, drop it with DROP INDEX CONCURRENTLY',
  }
}

/** The least age of the statistics of the database, in milliseconds: a weekly job may use an index. */
const leastStatisticsMs = 7 * 86_400_000

/**
 * Whether an index is surely useless: another index covers it, or jobsctl made it and a week of statistics has no use
 * of it. Unused indexes of other programs are left out, since these programs make them again at each start.
 */
function isSure({ index, why }: Idle): boolean {
  if (why.startsWith('covered by')) return true
  const since = Date.parse(/never used since (.+)/.exec(why)?.[1] ?? '')
  return index.startsWith('jobsctl_') && Date.now() - since >= leastStatisticsMs
}
