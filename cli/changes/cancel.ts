import type { z } from 'zod'
import { cancelBatch } from '../../shared/changes/cancel-batch.ts'
import { groupedDigits } from '../text/numbers.ts'
import { besideRefused, dependentsBeside, joinedNotes } from './dependents.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'
import { checkFields } from './request-fields.ts'

/** A cancellation of many jobs, for the guard. */
export function cancelChange(request: FilteredRequest, words: readonly string[]) {
  const change = filteredChange({
    name: 'cancel',
    endpoint: cancelBatch,
    request,
    words,
  })
  return { ...change, beside }
}

/** A cancellation by several calls, at a server that takes one job a call. */
export function cancelEach(requests: readonly FilteredRequest[], words: readonly string[]) {
  const [first = {}] = requests
  return {
    ...cancelChange(first, words),
    requests,
    facts: { ids: requests.map(({ job_id }) => job_id) },
    checkServer: checkFields('cancel', requests),
  }
}

/** A note on running jobs, which go on until their workers ask. */
function beside({ cancelled, asked = 0, ended_as, preview, ...answer }: z.output<typeof cancelBatch.output>) {
  const workers =
    asked === 1 ? 'the worker of 1 running job was' : `the workers of ${groupedDigits(asked)} running jobs were`
  const isFailed = ended_as !== undefined && cancelled !== undefined && cancelled > 0 && preview === undefined
  const isDone = asked > 0 && preview === undefined
  const along = dependentsBeside(answer)
  const stays = besideRefused('cancelled')(answer)
  const note = isDone ? `note: ${workers} asked to end; --force ends running jobs at once` : undefined
  return {
    facts: {
      ...(cancelled !== undefined && { cancelled, asked }),
      ...(ended_as && { ended_as }),
      ...along.facts,
      ...stays.facts,
    },
    note: joinedNotes([
      along.note,
      note,
      stays.note,
      isFailed ? `note: the engine has no cancelled jobs: these are ${ended_as}` : undefined,
    ]),
  }
}
