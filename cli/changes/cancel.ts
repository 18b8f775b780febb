import type { z } from 'zod'
import { cancelBatch } from '../../shared/changes/cancel-batch.ts'
import { groupedDigits } from '../output/numbers.ts'
import { alongBeside, joinedNotes } from './along.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'

/** A cancellation of many jobs, for the guard. */
export function cancelChange(request: FilteredRequest, words: readonly string[]) {
  const change = filteredChange({
    name: 'cancel',
    endpoint: cancelBatch,
    request,
    words,
    count: ({ affected }) => affected,
    verbs: ['would cancel', 'cancelled'],
  })
  return { ...change, beside }
}

/** A note on running jobs, which go on until their workers ask. */
function beside({ cancelled, asked = 0, preview, ...answer }: z.output<typeof cancelBatch.output>) {
  const workers =
    asked === 1 ? 'the worker of 1 running job was' : `the workers of ${groupedDigits(asked)} running jobs were`
  const isDone = asked > 0 && preview === undefined
  const along = alongBeside(answer)
  const note = isDone ? `note: ${workers} asked to end; --force ends running jobs at once` : undefined
  return {
    facts: { ...(cancelled !== undefined && { cancelled, asked }), ...along.facts },
    note: joinedNotes([along.note, note]),
  }
}
