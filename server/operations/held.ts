import { Failure, type FailureCode } from '../../shared/errors.ts'

interface Refused {
  ok: false
  id: number
  code: FailureCode
  detail: string
}

/** What a worker hears whose job is another's by now. */
export const lostLease = (id: number): Refused => ({
  ok: false,
  id,
  code: 'lease_lost',
  detail: `job ${id} is not held under this lease by this worker any more; nothing was changed`,
})

/**
 * The one result of a call about one job.
 * @throws Failure with the code of a result that is none
 */
export function answered<Answer extends { ok: true }>(results: readonly (Answer | Refused)[]): Answer {
  const [result] = results
  if (result?.ok) return result
  throw new Failure(result?.code ?? 'internal', result?.detail ?? 'the call had no result', {
    hint: result?.code === 'lease_lost' ? 'stop working on it: another worker may have it' : undefined,
  })
}
