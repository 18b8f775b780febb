import { conninfoFor, isSameConninfo } from '../../../shared/conninfo.ts'
import { Failure } from '../../../shared/errors.ts'
import type { FoundDatabase } from '../../../shared/once.ts'
import type { Context } from '../../context.ts'
import { listDatabases } from '../../direct/list-databases.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { checkedSetting, type Profile } from '../../settings/config.ts'
import { readConfig, writeConfig } from '../../settings/config-file.ts'

interface Adding {
  /** The path of the config file. */
  path: string
  /** What the names of profiles begin with, before a hyphen and the name of the database. */
  prefix: string
  /** A pattern of LIKE for the names of databases. */
  like: string | undefined
}

/** A database, and what became of its profile. */
interface Row extends FoundDatabase {
  profile: string
  result: 'added' | 'kept' | 'skipped'
}

export const columns: Column<Row>[] = [
  { title: 'profile', value: ({ profile }) => profile },
  { title: 'result', value: ({ result }) => result },
  { title: 'engine', value: ({ engine }) => engine ?? '' },
  { title: 'why', value: ({ why }) => why ?? '', below: true },
]

/**
 * Writes a profile for each database of a cluster that has a queue, and prints what became of each database. A profile that is there stays.
 * @returns `not_found` where no profile was added, and none was there
 * @throws Failure `usage` for a pattern that ends with a backslash, `not_found` where no database has such a name; why the cluster cannot be asked
 */
export async function addDatabases(context: Context, { path, prefix, like = '%' }: Adding): Promise<Ending> {
  if (/(?<!\\)(?:\\\\)*\\$/.test(like))
    throw new Failure('usage', '--like: ends with a \\ that has no character behind it; nothing was looked at')
  const { conninfo, found } = await listDatabases(context, like)
  if (found.length === 0)
    throw new Failure('not_found', `no database has a name like ${like}; nothing was written`, {
      hint: '% stands for any text, _ for one character; without --like all databases are looked at',
    })
  // Read now, since the look may have taken a while.
  const config = await readConfig(path)
  const rows = found.map((one): Row => {
    const profile = `${prefix}-${one.database}`
    if (one.engine === null) return { profile, result: 'skipped', ...one }
    const there = Object.hasOwn(config.profiles, profile) ? config.profiles[profile] : undefined
    if (!there) return { profile, result: 'added', ...one }
    if (isOf(there, conninfoFor(conninfo, one.database))) return { profile, result: 'kept', ...one }
    return { profile, result: 'skipped', ...one, why: 'the config file has another profile of this name' }
  })
  const added = rows.filter(({ result }) => result === 'added')
  if (added.length > 0) {
    const profiles = added.map(({ profile, database }) => [profile, { db: conninfoFor(conninfo, database) }] as const)
    const next = { ...config, profiles: { ...config.profiles, ...Object.fromEntries(profiles) } }
    await writeConfig(path, checkedSetting(next, 'config add-databases'))
  }
  context.print.rows({ columns, rows, json: rows, empty: '' })
  const kept = rows.filter(({ result }) => result === 'kept').length
  context.print.aside(`${added.length} added, ${kept} kept, ${rows.length - added.length - kept} skipped: ${path}`)
  return added.length + kept > 0 ? 'ok' : 'not_found'
}

const isOf = ({ db }: Profile, conninfo: string): boolean => db !== undefined && isSameConninfo(db, conninfo)
