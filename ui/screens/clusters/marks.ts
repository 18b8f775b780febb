import { type Answer, call } from '../../api/call.ts'
import { useLoad } from '../../state/calls.ts'
import { caller } from '../../state/session.ts'

export type Mark = Answer<'listMarks'>[number]

/** The last marks, the newest first. Marks are of the whole database: a token with a scope sees none. */
export function useMarks(): readonly Mark[] {
  const { data = [] } = useLoad('marks', async (signal) =>
    caller.value?.scope ? [] : call('listMarks', { limit: '50' }, { signal }),
  )
  return data
}

/** How long after a mark a failure may begin to be told as new since it, in milliseconds. */
const longestAfter = 24 * 3_600_000

/**
 * The last mark before something was seen for the first time; undefined where none was in the day before it.
 * @param marks the newest first
 */
export function newSince(marks: readonly Mark[], firstSeen: string | null): Mark | undefined {
  const first = Date.parse(firstSeen ?? '')
  const mark = marks.find(({ at }) => Date.parse(at) <= first)
  return mark && first - Date.parse(mark.at) <= longestAfter ? mark : undefined
}
