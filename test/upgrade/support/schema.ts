import type { Sql } from 'postgres'
import * as z from 'zod'
import { until } from '../../support/poll.ts'
import { bodyOf, paths } from './answers.ts'
import type { Side } from './side-by-side.ts'

const Counts = z.object({ kept: z.boolean(), wrong: z.number() })

/** Whether stats go by the counts that triggers keep, and by how many jobs they were wrong just now. */
export const countsOf = async (side: Side): Promise<z.output<typeof Counts>> =>
  bodyOf(Counts, await side.get(paths.counts))

/** Resolves to the servers when all indexes and triggers are made, so that stats go by the counts. */
export async function countsAreKept<Sides extends readonly Side[]>(sides: Sides): Promise<Sides> {
  for (const side of sides)
    await until(`the ${side.build} server keeps counts`, async () => (await countsOf(side)).kept)
  return sides
}

/** The triggers of all tables with the version of their rows in the catalog: one that is made again has another. */
export const triggersOf = async (sql: Sql): Promise<object[]> => [
  ...(await sql`select tgname, oid, xmin from pg_trigger where not tgisinternal order by tgname`),
]

/** The columns, indexes, triggers and functions of the schema `public`, as text. */
export async function catalogOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select line
    from (
      select concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull) as line
      from pg_attribute
      join pg_class on pg_class.oid = attrelid
      where relkind = 'r' and attnum > 0 and not attisdropped and relnamespace = 'public'::regnamespace
      union all
      select indexdef from pg_indexes where schemaname = 'public'
      union all
      select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
      union all
      select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
    ) as made
    order by line`
  return rows.map(({ line }) => line)
}

/** Resolves when the servers have added up all that the triggers appended, so that they write no counts any more. */
export const untilCountsRest = ({ sql }: { sql: Sql }): Promise<unknown> =>
  until('the counts are added up', async () => {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from jobsctl_count_deltas`
    return row?.n === 0
  })

/** Resolves when the triggers of the history are made, and append. */
export const untilHistoryIsKept = ({ sql }: { sql: Sql }): Promise<unknown> =>
  until('the history is kept', async () => {
    const [row] = await sql`select from jobsctl_history where until > now()`
    return row
  })
