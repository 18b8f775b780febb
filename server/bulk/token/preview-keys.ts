import { createHash, randomBytes } from 'node:crypto'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'

/** The keys of servers that only look, which end with the process: no change takes their previews. */
const inMemory = new WeakMap<object, string>()

/** The key of a server that only looks; undefined where the database has one. */
export function keyInMemory(sql: Sql): string | undefined {
  const served = servedBy(sql)
  if (served.mode !== 'look') return undefined
  const key = inMemory.get(served.server) ?? randomBytes(32).toString('base64url')
  inMemory.set(served.server, key)
  return key
}

/** The id of a key: a part of its hash, which tells keys apart and nothing of them. */
export const idOfKey = (key: string): string =>
  createHash('sha256').update(`preview key ${key}`).digest('hex').slice(0, 8)

/** Reads the keys whose signatures are taken: the signing key first, and after its rotation for some days the one before it. */
export async function readKeys(sql: Sql): Promise<string[]> {
  const own = keyInMemory(sql)
  if (own !== undefined) return [own]
  const keys = await sql<{ name: string; key: string }[]>`
    select name, case name when 'preview_key' then value else value::jsonb ->> 'key' end as key
    from jobsctl_settings
    where case name
      when 'preview_key' then true
      when 'preview_key_previous' then (value::jsonb ->> 'until')::timestamptz > now()
    end
    order by name`
  if (keys[0]?.name !== 'preview_key') throwNoKey()
  return keys.map(({ key }) => key)
}

/** Reads the signing key, which all servers on this database share and never send to a caller. */
export async function readSigningKey(sql: Sql): Promise<string> {
  const own = keyInMemory(sql)
  if (own !== undefined) return own
  const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'preview_key'`
  return row?.value ?? throwNoKey()
}

/** Reads the key for hashes that stay the same: the first key of the database, whatever key signs previews today. */
export async function readHashKey(sql: Sql): Promise<string> {
  const own = keyInMemory(sql)
  if (own !== undefined) return own
  const [row] = await sql<{ value: string }[]>`
    select value from jobsctl_settings where name in ('hash_key', 'preview_key') order by name limit 1`
  return row?.value ?? throwNoKey()
}

/** @throws Failure `database_unavailable` */
export function throwNoKey(): never {
  throw new Failure('database_unavailable', 'the database has lost the key that signs previews', { retryAfter: 30 })
}
