import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { queueLikeHint } from '../queue-like/find-queue-like.ts'
import type { Sql } from '../sql.ts'
import { type EngineSign, findEngines, servedEngines, shippedMaps } from './other-engines.ts'

/**
 * Refuses a database in which another engine keeps its jobs: an operator who gives a server this database expects to see those. Only reads.
 * @throws Failure `usage` that names the engines
 */
export async function refuseOtherEngines(sql: Sql): Promise<void> {
  const found = await findEngines(sql)
  const [first] = found
  if (!first) return
  const list = found.slice(0, 5).map(textOf).join(', and ')
  const more = found.length > 5 ? `, and ${found.length - 5} more` : ''
  throw new Failure(
    'usage',
    `the database ${first.database} has the jobs of ${list}${more}, and no tables of jobs-server; nothing was made`,
    {
      hint: `${await beside(sql, first.engine)}for a queue of its own beside them: jobs-server --engine own, or JOBS_ENGINE=own`,
    },
  )
}

/** What looks at the jobs that are there, where this version can. */
async function beside(sql: Sql, engine: string): Promise<string> {
  if (servedEngines.includes(engine))
    return `jobs-server looks at these jobs; jobs-server migrate --engine ${engine} makes records, with which it changes them; `
  const map = shippedMaps.get(engine)
  if (map !== undefined)
    return `to look at these jobs: jobs-server --map ${map}, or JOBS_MAP_FILE=${map} before a command with --db; `
  if (engine === 'Solid Queue')
    return 'this version does not work on the jobs of this engine, and no map can say the state of a job that several tables keep; '
  const text = await queueLikeHint(sql)
  return `${text ?? 'this version does not work on the jobs of this engine'}; `
}

const textOf = ({ engine, schema, table, rows }: EngineSign): string =>
  `${engine} (${schema}.${table}${rows < 0 ? '' : `, about ${rows.toLocaleString('en-US')} rows`})`

const mostRead = 20

/**
 * Refuses a schema that has tables of other programs and none of ours: who names the database of an application may expect to see its jobs.
 * Only reads. A server that starts at the same time may make our tables meanwhile.
 * @param schema as a quoted name
 * @param ours the names of the tables that migrations make
 * @throws Failure `usage` that says what was looked for
 */
export async function refuseTablesOfOthers(sql: Sql, schema: string, ours: readonly string[]): Promise<void> {
  const rows = await sql<{ name: string; database: string }[]>`
    select pg_catalog.quote_ident(relname) as name, pg_catalog.current_database() as database
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where pg_catalog.quote_ident(nspname) = ${schema}::text and relkind in ('r', 'p', 'f') and not relispartition
      and not pg_catalog.jsonb_exists(${JSON.stringify(ours)}::text::jsonb, relname::text)
      and not exists (
        select from pg_catalog.pg_depend
        where classid = 'pg_catalog.pg_class'::regclass and objid = pg_class.oid and deptype = 'e'
      )
    order by relname
    limit ${mostRead + 1}::int`
  const [first] = rows
  if (!first) return
  const listed = rows.slice(0, 3).map(({ name }) => escaped(name))
  const more = rows.length > 3 ? `, and ${rows.length > mostRead ? 'at least ' : ''}${rows.length - 3} more` : ''
  throw new Failure(
    'usage',
    `nothing in the database ${first.database} is known to have jobs: no table jobs of jobs-server, and none of pg-boss, BullMQ or graphile-worker. The schema ${schema} has tables of other programs (${listed.join(', ')}${more}); nothing was made`,
    {
      hint: [
        await queueLikeHint(sql),
        'for a queue of its own in this database: jobs-server --engine own, or JOBS_ENGINE=own',
      ]
        .filter(Boolean)
        .join('; '),
    },
  )
}
