import { headers as names } from '../../shared/headers.ts'
import type { EventsInput, EventsOutput } from '../wire/types.ts'
import type { Call, CallOptions } from './call.ts'
import { JobsError } from './jobs-error.ts'

/**
 * Reads a page of the event log. Where a search takes long, it goes on in further calls until an event is found. A caller that sends
 * `partial` by itself gets each answer, and reads `X-Next-After`.
 */
export async function readEvents(call: Call, input: EventsInput, options?: CallOptions): Promise<EventsOutput> {
  const page = (fields: EventsInput, heard?: (headers: Headers) => void) =>
    call<EventsOutput>('GET', '/api/v1/jobs/events', fields, { ...options, ...(heard && { onHeaders: heard }) })
  if (input.partial !== undefined) return page(input, options?.onHeaders)
  for (let at = input; ; ) {
    let next: string | null = null
    const heard = (headers: Headers) => {
      next = headers.get(names.nextAfter)
      options?.onHeaders?.(headers)
    }
    try {
      const found = await page({ ...at, partial: true }, heard)
      if (found.length > 0 || next === null) return found
    } catch (error) {
      if (isUnknown(error)) return page(at, options?.onHeaders)
      throw error
    }
    at = input.before_id ? { ...input, before_id: Number(next) } : { ...input, after_id: Number(next) }
  }
}

/** Servers up to 0.2.0 know no field `partial`. */
const isUnknown = (error: unknown): boolean =>
  error instanceof JobsError && error.code === 'invalid_request' && error.faults.some(({ path }) => path === 'partial')
