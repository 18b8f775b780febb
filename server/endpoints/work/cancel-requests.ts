import { liesWithin } from '../../../shared/access/token-scope.ts'
import type { CancelRequestsRequest } from '../../../shared/work/cancel-requests.ts'
import type { WorkCall } from '../../call.ts'
import { type AskedToEnd, askedToEnd } from '../../waiting/cancel-watch.ts'
import { withDeadline } from '../../waiting/long-poll.ts'

/**
 * Names the running jobs of a worker that somebody asked to end. With `wait_seconds` the call waits until there is one, or the time is
 * over. Jobs outside of the scope of the caller are not named.
 */
export async function cancelRequests(
  call: WorkCall,
  { worker_id, known, wait_seconds }: CancelRequestsRequest,
): Promise<{ ids: number[] }> {
  const { within } = call
  const heard = new Set(known)
  const isNews = (job: AskedToEnd) => !heard.has(job.id) && (within === undefined || liesWithin(within, job))
  const now = async () => (await askedToEnd(call.sql, [worker_id])).filter(isNews)
  const found: AskedToEnd[] | undefined =
    wait_seconds === 0
      ? await now()
      : await withDeadline([call.disconnected(), call.stopping], wait_seconds * 1000, (until) =>
          call.cancelWatch.watch(worker_id, isNews, until),
        )
  if (wait_seconds > 0) await call.recheckCredentials()
  return { ids: (found ?? []).map(({ id }) => id) }
}
