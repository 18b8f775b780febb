import { setTimeout as wait } from 'node:timers/promises'
import { conninfoFor } from '../../shared/conninfo.ts'
import { Failure } from '../../shared/errors.ts'
import { inTurns } from '../../shared/in-turns.ts'
import type { FoundDatabase, OnceOrder } from '../../shared/once.ts'
import { ownSchemas } from '../database/connection/find-names.ts'
import { openDatabase } from '../database/connection/open.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import { findEngines } from '../database/connection/other-engines.ts'
import { createWrites } from '../database/connection/read-only.ts'
import type { Pool } from '../database/sql.ts'
import { silent } from '../database/with-tables.ts'
import { findServed } from '../engines/find-served.ts'
import { readMapFile } from '../engines/mapped/read-map.ts'
import { withAdapter } from '../engines/places.ts'
import { engineNames, servedBy } from '../engines/served.ts'
import type { Env } from '../env/env.ts'
import { errorText } from '../log/system-error.ts'
import { onceFailure } from './once-failure.ts'
import { envOfOrder } from './order-env.ts'

const mostDatabases = 1000

/** How many databases are looked at at the same time, each on connections of its own. */
const mostAtOnce = 4

/** How long one database, and one statement, may take, in seconds. */
const longestLook = 5

/**
 * Looks which databases of the cluster have a queue that a command without a server would find. Transactions are read only, and a database
 * that does not answer in time is passed over.
 * @param like a pattern of LIKE for the names
 * @returns the databases in the order of their names; templates and those that take no connections are left out
 * @throws Failure why the cluster cannot be asked; `usage` for more than 1,000 databases
 */
export async function findDatabases(
  order: OnceOrder,
  like: string,
  environment: NodeJS.ProcessEnv,
): Promise<FoundDatabase[]> {
  const limits = { JOBS_STATEMENT_TIMEOUT_SECONDS: longestLook, JOBS_LOCK_TIMEOUT_SECONDS: longestLook }
  const env = { ...envOfOrder(order, environment), ...limits }
  const hasMap = (await readMapFile(env.JOBS_MAP_FILE)) !== undefined
  const names = await onDatabase(env, ({ sql }) => namesLike(sql, like)).catch((error: unknown) => {
    throw onceFailure(error)
  })
  return inTurns(names, mostAtOnce, async (database) => {
    const looking = lookAt({ ...env, JOBS_DB_URL: conninfoFor(order.database, database) }, hasMap)
    const found = await Promise.race([looking, tooLate()])
    return { database, ...found }
  })
}

interface Opened {
  sql: Pool
  findSchema: OpenedDatabase['findSchema']
}

async function onDatabase<Result>(env: Env, work: (opened: Opened) => Promise<Result>): Promise<Result> {
  const opened = await openDatabase(env, silent, { find: findServed, writes: createWrites() })
  try {
    return await opened.withDedicatedPool((sql) => work({ sql, findSchema: opened.findSchema }))
  } finally {
    await opened.close(0)
  }
}

async function namesLike(sql: Pool, like: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select datname::text as name
    from pg_catalog.pg_database
    where datallowconn and not datistemplate and datname like ${like}::text
    order by datname
    limit ${mostDatabases + 1}::int`
  if (rows.length <= mostDatabases) return rows.map(({ name }) => name)
  throw new Failure('usage', 'more than 1,000 databases have such a name; nothing was looked at', {
    hint: "name fewer at once, such as --like 'app_1%'",
  })
}

type Found = Omit<FoundDatabase, 'database'>

const passedOver = (why: string): Found => ({ engine: null, why })

const noQueue = passedOver('no queue that this role may see')

const tooLate = (): Promise<Found> =>
  wait(1000 * longestLook, passedOver(`no answer within ${longestLook} s`), { ref: false })

/** @param hasMap whether a file says how the rows of a table are jobs */
async function lookAt(env: Env, hasMap: boolean): Promise<Found> {
  try {
    return await onDatabase(env, (opened) => findQueue(opened, hasMap))
  } catch (error) {
    if (!(error instanceof Failure)) return passedOver(errorText(error))
    return passedOver(error.message.replace(/; nothing was [\w ]+$/, ''))
  }
}

/** @throws why a command could not read the jobs */
async function findQueue({ sql, findSchema }: Opened, hasMap: boolean): Promise<Found> {
  const own = await ownSchemas(sql)
  if (own.length === 0 && !hasMap) {
    const engines = await findEngines(sql)
    if (engines.length === 0) return noQueue
    if (engines.flatMap(withAdapter).length === 0)
      return passedOver(`no queue that a command finds by itself: ${engines.map(({ engine }) => engine).join(', ')}`)
  }
  await findSchema(sql)
  const served = servedBy(sql)
  if (served.mode === 'own' && own.length === 0) return noQueue
  await sql`select from jobs limit 0` // needs the rights that each read needs
  return { engine: engineNames(served), why: null }
}
