import type { Pool } from '../../../server/database/sql.ts'

/** The rows of every table of the database that have the text, each with the name of its table: what a dump would show. */
export async function rowsWith(sql: Pick<Pool, 'unsafe'>, text: string): Promise<string[]> {
  const tables = await sql.unsafe<{ name: string }[]>(`
    select format('%I.%I', schemaname, tablename) as name
    from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`)
  const found: string[] = []
  for (const { name } of tables) {
    const rows = await sql.unsafe(`select t::text as line from ${name} t where strpos(t::text, $1) > 0`, [text])
    found.push(...rows.map(({ line }) => `${name}: ${line}`))
  }
  return found
}
