import type { z } from 'zod'
import type { checkCounts } from '../../shared/doctor/counts.ts'
import type { Idle } from '../../shared/doctor/idle-indexes.ts'
import { escaped } from '../escape.ts'
import { groupedDigits, sizeText } from '../output/numbers.ts'

type Counts = z.output<typeof checkCounts.output>

/** What a server tells of itself, in words; with a hint where it needs attention. */
export interface Finding {
  detail: string
  hint: string | undefined
}

/** Whether stats can be believed, and are fast. */
export function findingOfCounts({ kept, why, wrong, mended_at, mended }: Counts): Finding {
  if (!kept) {
    const reason = escaped(why ?? 'the server does not say why')
    return {
      detail: `stats count the jobs themselves: ${reason}`,
      hint: 'right, and slower; the log of the server says more',
    }
  }
  if (wrong > 0) {
    const detail = `the counts of stats were wrong by ${groupedDigits(wrong)} jobs; the server has set them right`
    return { detail, hint: 'something writes to the tables past their triggers' }
  }
  const before =
    mended_at === null ? '' : `; ${groupedDigits(mended ?? 0)} jobs were set right on ${mended_at.slice(0, 10)}`
  return { detail: `the counts of stats are those of the jobs${before}`, hint: undefined }
}

/** Which indexes cost each write and serve nothing. */
export function findingOfIndexes(idle: readonly Idle[]): Finding {
  if (idle.length === 0) return { detail: 'each index of jobs serves something', hint: undefined }
  const list = idle.map(({ index, bytes, why }) => `${escaped(index)} (${sizeText(bytes)}, ${escaped(why)})`)
  return {
    detail: `cost each write, and serve nothing here: ${list.join(', ')}`,
    hint: 'a replica may use them; if none does: drop index concurrently',
  }
}
