import type { Sql } from 'postgres'
import { duration, inBatches } from '../../measure.ts'

/** In milliseconds. */
export interface Took {
  prune: number
  undo: number
}

/** How somebody deletes the old jobs of an engine by SQL, and keeps them for an undo. */
export interface DeletedBySql {
  /** The schema of the jobs. */
  domain: string
  /** The table of the jobs, with its schema. */
  jobs: string
  /** The CTEs `picked`, which locks `$1` of the old jobs at most, and `deleted`, their whole rows. */
  deletion: string
  /** The archive of the server, without its schema. */
  archive: string
  /** Columns of the archive beside those of the jobs, their values over `deleted`, and what is joined for them. */
  further?: { names: string; values: string; joined?: string }
  /** The archive has each row as one object. */
  isJson?: boolean
}

/** A table without an index, or the server's own archive, with its key, its indexes and a record. */
export type KeptIn = 'bare table' | 'archive'

/** What each side stands for in the table of figures. */
export const inSql: Readonly<Record<KeptIn, string>> = {
  archive: 'the same in SQL, into the same archive with a record, in batches as large',
  'bare table': 'in SQL into a table without an index and without a record, in batches as large',
}

interface Column {
  name: string
  type: string
}

/** Moves the old jobs away and back, as careful people do by hand: in batches, past locked rows. */
export async function moveBySql(
  sql: Sql,
  of: DeletedBySql,
  { into, rows, batch }: { into: KeptIn; rows: number; batch: number },
): Promise<Took> {
  const columns = await sql<Column[]>`
    select quote_ident(attname) as name, format_type(atttypid, atttypmod) as type
    from pg_attribute
    where attrelid = ${of.jobs}::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''
    order by attnum`
  const { prepare, away, back } = into === 'archive' ? byArchive(of, columns) : byBareTable(of, columns)
  for (const statement of prepare) await sql.unsafe(statement)
  const moved = (statement: string) => duration(() => inBatches(rows, () => sql.unsafe(statement, [batch])))()
  return { prune: await moved(away), undo: await moved(back) }
}

interface Statements {
  prepare: string[]
  away: string
  back: string
}

const listed = (columns: readonly Column[], value: (column: Column) => string = ({ name }) => name): string =>
  columns.map(value).join(', ')

const byBareTable = ({ jobs, deletion }: DeletedBySql, columns: readonly Column[]): Statements => ({
  prepare: [`create table deleted_jobs as select ${listed(columns)} from ${jobs} limit 0`],
  away: `with ${deletion} insert into deleted_jobs select ${listed(columns)} from deleted`,
  back: `
    with picked as (delete from deleted_jobs where ctid = any(array(select ctid from deleted_jobs limit $1)) returning *)
    insert into ${jobs} (${listed(columns)}) overriding system value select ${listed(columns)} from picked`,
})

function byArchive(of: DeletedBySql, columns: readonly Column[]): Statements {
  const { domain, jobs, deletion, isJson, further = { names: '', values: '' } } = of
  const archive = `jobsctl.${of.archive}`
  const kept = isJson
    ? { names: further.names, values: further.values }
    : {
        names: [listed(columns), further.names].filter(Boolean).join(', '),
        values: [listed(columns, ({ name }) => `deleted.${name}`), further.values].filter(Boolean).join(', '),
      }
  const value = ({ name, type }: Column) => (isJson ? `(row ->> '${name}')::${type}` : `${name}::${type}`)
  return {
    prepare: [
      'create table operations (id bigint primary key, jobs bigint not null)',
      'insert into operations values (1, 0)',
    ],
    away: `
      with ${deletion},
      recorded as (update operations set jobs = jobs + (select count(*) from deleted) where id = 1)
      insert into ${archive} (operation_id, job_schema, ${kept.names})
      select 1, '${domain}', ${kept.values} from deleted ${further.joined ?? ''}`,
    back: `
      with picked as (
        delete from ${archive} where ctid = any(array(select ctid from ${archive} where operation_id = 1 limit $1)) returning *
      ),
      recorded as (update operations set jobs = jobs - (select count(*) from picked) where id = 1)
      insert into ${jobs} (${listed(columns)}) overriding system value select ${listed(columns, value)} from picked`,
  }
}
