import { Failure } from '../../../shared/errors.ts'
import { inFlagNames } from '../../settings/flags/flag-errors.ts'

/** The values of a field that another server than jobs-server looks at in a list; it passes over all other fields, and answers jobs without them. */
const taken: Readonly<Record<string, (value: string) => boolean>> = {
  domain: () => true,
  queue: () => true,
  job_type: () => true,
  owner_user_id: () => true,
  status: (value) => !value.includes(','),
  sort_by: (value) => ['created_at', 'priority', 'status'].includes(value),
  sort_order: () => true,
  limit: () => true,
  // Who leads on to a page knows its name.
  cursor: () => true,
  // More columns are no other jobs.
  errors: () => true,
}

/**
 * Refuses the list of a server that has not looked at all of its filter: the ids of such a list may go into a change.
 * @param header of the answer; every jobs-server that has lists names its version
 * @throws Failure `not_supported`
 */
export function refuseUnfiltered(server: string, request: object, header: (name: string) => string | undefined): void {
  if (header('x-jobs-version') !== undefined || header('x-complete') !== undefined) return
  const fields: [string, unknown][] = Object.entries(request)
  const passedOver = fields.filter(([name, value]) => value !== undefined && !taken[name]?.(String(value)))
  if (passedOver.length === 0) return
  const faults = passedOver.map(([path]) => ({ path, message: 'not looked at by this server' }))
  throw new Failure('not_supported', inFlagNames(faults), {
    hint: `${server} is no jobs-server, and has answered jobs that do not match: narrow the list by --domain, --queue, --job-type, --owner or one --status`,
    server,
  })
}
