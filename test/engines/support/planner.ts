import type postgres from 'postgres'

/** Has the planner of later connections take each page of a table for as dear as a large table. */
export async function callEachPageDear(sql: postgres.Sql): Promise<void> {
  const [{ name }] = await sql<[{ name: string }]>`select current_database() as name`
  await sql`alter database ${sql(name)} set seq_page_cost = 100000`
  await sql`alter database ${sql(name)} set random_page_cost = 100`
}
