import { createHmac } from 'node:crypto'
import { readHashKey } from '../../bulk/token/preview-keys.ts'
import type { Sql } from '../../database/sql.ts'

/** The key of the pseudonyms of this day (UTC), 32 bytes: all servers on the database have the same, and none sends it to a caller. */
export async function readDayKey(sql: Sql): Promise<Buffer> {
  const day = new Date().toISOString().slice(0, 10)
  return createHmac('sha256', await readHashKey(sql))
    .update(`pseudonyms of agents ${day}`)
    .digest()
}
