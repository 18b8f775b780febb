import { enqueue } from '../../../../shared/endpoints.ts'
import { type Entry, only } from '../../stress/journal.ts'
import { judge, type Verdict } from '../../verdict.ts'

/** How long nothing could be written, in seconds. */
export interface Outage {
  /** Between two acknowledged writes through whichever server. */
  withoutWrites: number
  /** From the promotion to the first acknowledged write through each server. */
  untilWrites: readonly { server: string; seconds: number }[]
}

const limitSeconds = 2

/** Measures by the answered enqueues, which are sent through each server every 100 ms. `promoted` is in milliseconds. */
export function outageOf(entries: readonly Entry[], servers: readonly string[], promoted: number): Outage {
  const written = only(entries, 'call')
    .filter(({ path, outcome }) => path === enqueue.path && typeof outcome === 'number' && outcome < 300)
    .sort((a, b) => a.ended - b.ended)
  const last = written.findLast(({ ended }) => ended <= promoted)?.ended ?? promoted
  const firstAfter = (server?: string) =>
    written.find((call) => call.ended > promoted && (server === undefined || call.server === server))?.ended
  const seconds = (from: number, to = Number.POSITIVE_INFINITY) => (to - from) / 1000
  return {
    withoutWrites: seconds(last, firstAfter()),
    untilWrites: servers.map((server) => ({ server, seconds: seconds(promoted, firstAfter(server)) })),
  }
}

/** Each server writes again soon after the new primary can be written to. */
export const checkWritesBack = ({ untilWrites }: Outage): Verdict =>
  judge(`writes are back within ${limitSeconds} s of the promotion`, untilWrites, ({ server, seconds }) =>
    seconds <= limitSeconds ? undefined : `the server ${server} took its first write after ${seconds.toFixed(2)} s`,
  )
