import { headers } from '../shared/headers.ts'
import type { Context } from './context.ts'
import type { Client } from './http/client.ts'
import type { Flag } from './settings/flags/flag.ts'
import { isoTime } from './text/times.ts'

/** The flag of a read that a replica may answer. */
export const staleFlag: Flag = {
  flags: '--stale-ok',
  about: 'take what a replica has, which may be some seconds old',
  group: 'HOW',
}

/** A context whose reads may be answered by a replica, where the server has one. `tell` says on stderr what was. */
export function withStaleReads(context: Context, isOk = false): { context: Context; tell: () => void } {
  if (!isOk) return { context, tell: () => {} }
  let oldest: string | undefined
  const note = (header: (name: string) => string | undefined) => {
    const asOf = header(headers.asOf.toLowerCase())
    if (header(headers.readFrom.toLowerCase()) !== 'replica' || asOf === undefined) return
    if (oldest === undefined || Date.parse(asOf) < Date.parse(oldest)) oldest = asOf
  }
  const taking = (client: Client): Client => ({
    ...client,
    call: async (endpoint, input, options) => {
      const answer = await client.call(endpoint, input, { ...options, staleOk: true })
      note(answer.header)
      return answer
    },
  })
  return {
    context: {
      ...context,
      staleOk: true,
      client: async () => taking(await context.client()),
      newClient: async (...given) => taking(await context.newClient(...given)),
    },
    tell: () => {
      if (oldest !== undefined) context.print.aside(`note: read from a replica, as of ${isoTime(oldest)}`)
    },
  }
}
