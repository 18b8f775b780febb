import { setTimeout as wait } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { within } from '../within.ts'
import type { Node } from './cluster/node.ts'

const pauseMs = 20

/** A connection straight to one node, for one purpose; it does not wait long. */
export const directly = ({ url }: Node, database = 'postgres'): Sql =>
  postgres(url(database), { max: 1, connect_timeout: 2, backoff: () => 0.1, onnotice: () => {} })

/**
 * Asks a standby again and again whether it is still in recovery. Resolves to the time, in milliseconds since 1970, at
 * which it was first asked and was not; undefined when that does not come within the limit.
 */
export async function promotionOf(standby: Node, limitMs: number): Promise<number | undefined> {
  const sql = directly(standby)
  try {
    for (const end = Date.now() + limitMs; Date.now() < end; await wait(pauseMs)) {
      const asked = Date.now()
      if ((await inRecovery(sql)) === false) return asked
    }
    return undefined
  } finally {
    await sql.end({ timeout: 0 })
  }
}

/** Waits until a node that was the primary takes no writes any more. Returns false when it still does after the limit. */
export function noPrimary(node: Node, limitMs: number): Promise<boolean> {
  return within(limitMs, async () => {
    const sql = directly(node)
    const recovering = await inRecovery(sql)
    await sql.end({ timeout: 0 })
    return recovering !== false
  })
}

/** Undefined when the node does not answer within a second. */
function inRecovery(sql: Sql): Promise<boolean | undefined> {
  const asked = sql<[{ recovering: boolean }]>`select pg_is_in_recovery() as recovering`.then(
    ([{ recovering }]) => recovering,
    () => undefined,
  )
  return Promise.race([asked, wait(1000, undefined, { ref: false })])
}
