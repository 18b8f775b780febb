import { mayMeet } from '../../../shared/access/token-scope.ts'
import type { Acting, Reading, ServerContext } from '../../call.ts'
import { findQueueLike } from '../../database/queue-like/find-queue-like.ts'
import type { Sql } from '../../database/sql.ts'
import { inWords, verbsInWords } from '../../engines/abilities.ts'
import { type LackingRights, readLackingRights } from '../../engines/grants.ts'
import { servedBy } from '../../engines/served.ts'
import { watchedAt } from '../../engines/watched.ts'
import type { OutputOf } from '../handlers.ts'

/** The engines that the server serves, as far as they lie in the scope of the caller. Own jobs have domains in every scope. */
export async function showEngine({
  sql,
  abilities,
  may,
  within,
}: Pick<ServerContext, 'abilities'> & Reading & Pick<Acting, 'may'>): Promise<OutputOf<'showEngine'>> {
  const seen = abilities().places.filter(({ schema }) => schema === null || !within || mayMeet(within, schema))
  const engines = seen.map(async ({ engine, schema, mode, can, changes, version, tested }) => ({
    engine,
    schema,
    mode,
    changes: inWords(changes),
    verbs: verbsInWords({ can }),
    ...(tested && may.has('govern') && { version, tested, lacks: await lackingIn(sql, schema) }),
  }))
  // Both are awaited at once: a read of the rights that fails meanwhile would be a rejection without a handler, and end the server.
  const [told, queueLike] = await Promise.all([
    Promise.all(engines),
    may.has('govern') && !within ? queueLikeTables(sql) : undefined,
  ])
  return { engines: told, ...(queueLike && { queue_like: queueLike }) }
}

/** The tables that look like queues and are not served; undefined where the catalog cannot be read: what the engines can is told all the same. */
async function queueLikeTables(sql: Sql): Promise<string[] | undefined> {
  const found = await findQueueLike(sql).catch(() => undefined)
  const served = servedBy(sql).places.map(({ found: { release } }) => release)
  return found?.map(({ relation }) => relation).filter((relation) => !served.includes(relation))
}

async function lackingIn(sql: Sql, schema: string | null): Promise<LackingRights[]> {
  const served = servedBy(sql)
  const place = served.places.find(({ found }) => found.domain === schema)
  if (!place) return []
  const { hidden, role } = watchedAt(place.found)
  return [
    ...(await readLackingRights(sql, place.adapter, { found: place.found, looks: served.mode === 'look' })),
    ...hidden.map((table) => ({
      right: `rows of ${table}, which row-level security hides`,
      grant: `alter role ${role} bypassrls;`,
    })),
  ]
}
