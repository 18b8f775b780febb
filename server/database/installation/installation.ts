import { randomUUID } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import * as z from 'zod'
import type { Env } from '../../env/env.ts'
import { jsonOf } from '../lossless-json.ts'
import type { Sql } from '../sql.ts'
import { readSystemIdentifier } from './origin.ts'

/** What the server knows of its database that the database does not know itself. */
export interface DatabaseAddress {
  /** `JOBS_INSTANCE`. */
  instance: string | null
  /** The real path of the data folder, where the database is embedded. */
  folder: string | null
}

/** What the environment says of the database, for the comparison with what the database remembers. The data folder must be there. */
export async function databaseAddressOf(
  env: Pick<Env, 'JOBS_DB_URL' | 'JOBS_DATA_DIR' | 'JOBS_INSTANCE'>,
): Promise<DatabaseAddress> {
  const folder = env.JOBS_DB_URL ? null : await realpath(env.JOBS_DATA_DIR)
  return { instance: env.JOBS_INSTANCE ?? null, folder }
}

/** What a copy of a database does not share with the original, in at least one part. */
const Identity = z.object({
  /** The system identifier of the PostgreSQL cluster; null where the role may not read it. */
  system: z.string().nullable(),
  /** The name of the database; of an embedded one its folder. */
  database: z.string(),
  instance: z.string().nullable(),
})
export type Identity = z.output<typeof Identity>

/** The installation as the database remembers it: a copy of the database remembers the original. */
export const Installation = Identity.extend({ id: z.string() })
export type Installation = z.output<typeof Installation>

export async function readIdentity(sql: Sql, { instance, folder }: DatabaseAddress): Promise<Identity> {
  const [system, [row]] = await Promise.all([
    readSystemIdentifier(sql),
    sql<[{ name: string }]>`select current_database() as name`,
  ])
  return { system, database: folder ?? row.name, instance }
}

/** Undefined before the first server of this version has started on the database. */
export async function readInstallation(sql: Sql): Promise<Installation | undefined> {
  const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'installation'`
  return row && (installationOf(row.value) ?? unknownInstallation())
}

/** Undefined for a row that somebody has written by hand. */
const installationOf = (text: string): Installation | undefined => Installation.safeParse(jsonOf(text)).data

/** What such a row says: another database than this one, until an operator says what this one is. */
const unknownInstallation = (): Installation => ({
  id: randomUUID(),
  system: null,
  database: 'not known',
  instance: null,
})

/**
 * Remembers the installation, where none is remembered. Adds the system identifier once the role may read it. A row that somebody has
 * written by hand, and that cannot be read, stays as it is.
 */
export async function rememberInstallation(sql: Sql, databaseAddress: DatabaseAddress): Promise<void> {
  const identity = await readIdentity(sql, databaseAddress)
  const text = JSON.stringify({ id: randomUUID(), ...identity } satisfies Installation)
  await sql`
    insert into jobsctl_settings (name, value) values ('installation', ${text}::text) on conflict (name) do nothing`
  if (identity.system === null) return
  const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'installation'`
  if (!row || installationOf(row.value)?.system !== null) return
  await sql`
    update jobsctl_settings
    set value = (value::jsonb || jsonb_build_object('system', ${identity.system}::text))::text
    where name = 'installation' and value = ${row.value}::text`
}

const names = { system: 'its system identifier', database: 'its name', instance: 'JOBS_INSTANCE' } as const

/** The parts in which a database is another than the one that it remembers, as clauses. A part that is not known is no difference. */
export function differencesOf(before: Identity, after: Identity): string[] {
  const unknown = before.system === null || after.system === null
  const parts = (['system', 'database', 'instance'] as const).filter((part) => before[part] !== after[part])
  return parts
    .filter((part) => part !== 'system' || !unknown)
    .map((part) => `${names[part]} was ${before[part] ?? 'not set'} and is ${after[part] ?? 'not set'}`)
}

/**
 * In which parts this database is another than the one that it remembers: it was restored, copied or renamed, and nobody has said
 * yet what it is. Empty for a database that is what it was.
 */
export async function readDifferences(sql: Sql, databaseAddress: DatabaseAddress): Promise<string[]> {
  const [before, now] = await Promise.all([readInstallation(sql), readIdentity(sql, databaseAddress)])
  return before ? differencesOf(before, now) : []
}
