import type { Verb } from '../../shared/engine/verbs.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import type { Sql } from '../database/sql.ts'
import type { Can, Cannot } from './can.ts'
import type { Found } from './found.ts'
import type { Place } from './served.ts'

/** What is different at a place since the server looked at its start. */
export interface Watched {
  /** The tables as they are now, where they are not those of the start. */
  migrated?: Found | undefined
  /** A batch has met another version, which is not known yet. */
  isOther?: boolean | undefined
  /** The tables of which row-level security hides rows from the role of the server. */
  hidden: readonly string[]
  /** The role of the server, as a quoted name. */
  role: string
}

const watched = new WeakMap<Found, Watched>()
const nothing: Watched = { hidden: [], role: '' }

/** What was last seen at a place. */
export const watchedAt = (found: Found): Watched => watched.get(found) ?? nothing

/** Notes that a change has met another version of the tables: from now on no change begins. */
export const noteOtherVersion = (found: Found): void => {
  watched.set(found, { ...watchedAt(found), isOther: true })
}

/**
 * Looks at a place again: its version, and whether row-level security hides rows. One statement, and one more where the version is another.
 * @returns what is seen now; undefined where its tables cannot be read now, such as during a migration that locks them
 */
export async function watchPlace(
  sql: Sql,
  { adapter, found }: Pick<Place, 'adapter' | 'found'>,
): Promise<Watched | undefined> {
  const tables = adapter.rights(found, true).map(({ table }) => table)
  const isSame = sql.unsafe(adapter.writes.guard(found))
  try {
    const [row] = await sql<[{ is_same: boolean | null; hidden: string[]; role: string }]>`
      select ${isSame} as is_same, quote_ident(current_user) as role, (
        select coalesce(jsonb_agg(name order by place), '[]')
        from unnest(${tables}::text[]) with ordinality as tables (name, place)
        where row_security_active(name)
      ) as hidden`
    const migrated = row.is_same ? undefined : await adapter.look(sql, found.schema)
    const now: Watched = { migrated, hidden: row.hidden, role: row.role }
    watched.set(found, now)
    return now
  } catch (error) {
    // Tables that are gone, locked for longer than a statement may wait, or no longer readable: the reads themselves say so.
    if (hasCode(error, ['42P01', '3F000', '42501', '55P03', '57014'])) return undefined
    throw error
  }
}

/** What counts jobs, or changes all that it finds: with hidden rows the numbers would be wrong. */
const counting: readonly Verb[] = [
  ...([
    'stats',
    'clusters',
    'explain',
    'workers',
    'history',
    'integrity',
    'prune',
    'retry',
    'requeue',
    'redrive',
  ] as const),
  ...([
    'cancel_queued',
    'cancel_running',
    'sweep_queued',
    'sweep_running',
    'sweep_fail',
    'reschedule',
    'priority',
  ] as const),
  ...(['edit', 'reclaim', 'erase', 'undo'] as const),
]

/** Why nothing is counted at places of which row-level security hides rows; undefined where it hides none. */
export function whyHidden(places: readonly Pick<Place, 'found'>[]): Cannot | undefined {
  const all = places.map(({ found }) => watchedAt(found)).filter(({ hidden }) => hidden.length > 0)
  const [first] = all
  if (!first) return undefined
  return {
    cannot: `row-level security hides rows of ${all.flatMap(({ hidden }) => hidden).join(', ')} from the role of the server, so that every count would be wrong`,
    instead: `as a superuser: alter role ${first.role} bypassrls; or run jobs-server as the owner of the tables, without force row level security`,
  }
}

/** What can be done where row-level security hides rows: jobs are listed and shown, and none is counted or changed. */
export const canBesideHidden = (can: Can, why: Cannot | undefined): Can =>
  why ? { ...can, ...Object.fromEntries(counting.flatMap((verb) => (can[verb] === true ? [[verb, why]] : []))) } : can
