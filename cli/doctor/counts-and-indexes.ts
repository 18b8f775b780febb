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
  if (idle.length === 0) return { detail: 'every index of jobs is used', hint: undefined }
  const list = idle.map(({ index, bytes, why }) => `${escaped(index)} (${sizeText(bytes)}, ${escaped(why)})`)
  return {
    detail: `these indexes slow every write and are not used here: ${list.join(', ')}`,
    hint: 'a replica may use them; if none does, drop them with DROP INDEX CONCURRENTLY',
  }
}
