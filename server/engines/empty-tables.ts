import type { Source } from '../database/connection/qualify.ts'
import { sharedTables } from '../database/migrate/absent-before.ts'
import { allMigrations } from '../database/migrate/migrations.ts'

/**
 * The tables of the migrations that are not made beside the jobs of another engine: they are about jobs of our own, and a table `jobs`
 * would be taken for them. The event log is made: it has what operators did.
 */
export const keptOut: readonly string[] = sharedTables.filter((table) => table !== 'job_events')

interface Column {
  name: string
  type: string
}

/** The types of columns that count by themselves, as types of values. */
const counted: Readonly<Record<string, string>> = { bigserial: 'bigint', serial: 'integer' }

/** Columns that have the id of a job, by table; it is a text where the jobs are those of another engine. */
const isIdOfJob = (table: string, { name }: Column): boolean =>
  name === 'job_id' || (name === 'id' && table === 'jobs_archive')

const typeOf = (table: string, column: Column): string =>
  isIdOfJob(table, column) ? 'text' : (counted[column.type] ?? column.type)

/**
 * Tables of ours that are not in a database, as queries without rows: a statement that reads one of them finds nothing.
 * @param isMissing tells which tables of the migrations these are
 */
export async function emptyTables(isMissing: (table: string) => boolean): Promise<Map<string, Source>> {
  const columns = await columnsOfTables()
  const missing = [...columns].filter(([table]) => isMissing(table))
  return new Map(missing.map(([table, list]) => [table, { query: emptyQuery(table, list) }]))
}

const emptyQuery = (table: string, columns: readonly Column[]): string =>
  `(select ${columns.map((column) => `null::${typeOf(table, column)} as "${column.name}"`).join(', ')} where false)`

/** The columns of every table that migrations make, in their order. */
export async function columnsOfTables(): Promise<Map<string, Column[]>> {
  const tables = new Map<string, Column[]>([['jobsctl_migrations', columnsOfMigrations]])
  for (const { makes } of await allMigrations()) {
    for (const { kind, of, name, type = 'text' } of makes) {
      if (kind !== 'column') continue
      const known = tables.get(of) ?? []
      if (known.every((column) => column.name !== name)) tables.set(of, [...known, { name, type }])
    }
  }
  // The archive has the columns of jobs, which its definition does not list.
  const archived = tables.get('jobs_archive') ?? []
  const jobs = (tables.get('jobs') ?? []).filter(({ name }) => archived.every((column) => column.name !== name))
  return tables.set('jobs_archive', [...jobs, ...archived])
}

/** The list of migrations is the only table that no migration makes. */
const columnsOfMigrations: Column[] = [
  { name: 'number', type: 'integer' },
  { name: 'name', type: 'text' },
  { name: 'applied_at', type: 'timestamptz' },
  { name: 'made', type: 'jsonb' },
]
