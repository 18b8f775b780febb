import type postgres from 'postgres'
import { until } from '../../support/poll.ts'
import type { SampleEngine } from './engine.ts'

/** What the suite reads and writes in the tables of an engine, past all servers. */
export interface EngineRows {
  /** Every row of jobs, and of the tables beside them, as jsonb without these columns. */
  read: (without?: readonly string[], schema?: string) => Promise<string[]>
  count: () => Promise<number>
  /** Deletes all jobs. */
  empty: () => Promise<void>
  untilIdle: () => Promise<void>
  age: () => Promise<void>
  /** Inserts copies of one of the jobs that are there. */
  copy: (copies: number) => Promise<void>
}

/** Ten at most of the rows that only one of two readings has. */
export const differencesOf = (before: string[], after: string[]): string[] => {
  const [was, is] = [new Set(before), new Set(after)]
  const gone = before.filter((row) => !is.has(row)).map((row) => `- ${row}`)
  return [...gone, ...after.filter((row) => !was.has(row)).map((row) => `+ ${row}`)].toSorted().slice(0, 10)
}

/** The rows of jobs of one version of an engine in a database. */
export function rowsOf(sql: postgres.Sql, engine: SampleEngine, version: string): EngineRows {
  const jobs = sql(`${engine.domain}.${engine.table}`)
  return {
    async read(without = [], schema = engine.domain) {
      const tables = [engine.table, ...(engine.beside ?? [])]
      const read = tables.map(
        (table) => sql<{ row: string }[]>`
          select ${table} || ' ' || (to_jsonb(one) - ${[...without]}::text[]) as row
          from ${sql(schema)}.${sql(table)} as one`,
      )
      return (await Promise.all(read)).flatMap((rows) => rows.map(({ row }) => row)).toSorted()
    },
    count: async () => (await sql<[{ count: number }]>`select count(*)::int as count from ${jobs}`)[0].count,
    empty: async () => void (await sql`delete from ${jobs}`),
    untilIdle: async () =>
      void (await until('no job runs or can run', async () => {
        const [busy] = await sql`select from ${jobs} where ${sql.unsafe(engine.busy)} limit 1`
        return busy === undefined
      })),
    age: async () =>
      void (await sql`update ${jobs} set ${sql.unsafe(engine.age)} where not (${sql.unsafe(engine.busy)})`),
    async copy(copies) {
      const own = engine.copy(version)
      const columns = await sql<{ name: string; quoted: string }[]>`
        select attname::text as name, quote_ident(attname) as quoted
        from pg_attribute
        where attrelid = ${`${engine.domain}.${engine.table}`}::text::regclass and attnum > 0 and attgenerated = ''
          and not attisdropped`
      await sql.unsafe(`
        insert into ${engine.domain}.${engine.table} (${columns.map(({ quoted }) => quoted).join(', ')})
        overriding system value
        select ${columns.map(({ name, quoted }) => own[name] ?? `one.${quoted}`).join(', ')}
        from (select * from ${engine.domain}.${engine.table} limit 1) as one, generate_series(1, ${copies}) as n`)
    },
  }
}
