import type { Idle } from '../../../shared/doctor/idle-indexes.ts'
import type { Reading } from '../../call.ts'
import { allMigrations } from '../../database/migrate/migrations.ts'
import type { Sql } from '../../database/sql.ts'

/** An index counts as unused only after the indexes of the table were used this many times together. */
const leastUses = 1000

/**
 * Indexes on jobs that serve no query, as far as the statistics of this PostgreSQL server tell: never used while other indexes
 * were, or covered by the first columns of another index. Unique indexes and indexes of constraints are left out, because they
 * also enforce a rule, and so are the indexes that this server makes again at each start.
 */
export const idleIndexes = async ({ sql }: Reading): Promise<Idle[]> => {
  const made = (await allMigrations()).flatMap(({ makes }) => makes)
  const own = made.filter(({ kind }) => kind === 'index').map(({ name }) => name)
  return [...(await readIdle(sql, own))]
}

const readIdle = (sql: Sql, own: readonly string[]) => sql<Idle[]>`
    with indexes as materialized (
      select
        indexrelid as id, indexrelname as name, indisunique as is_unique, idx_scan as uses,
        array_to_string(indkey::int2[], ' ') || ' ' as columns, 0 = any(indkey::int2[]) as computed,
        coalesce(pg_get_expr(indpred, indrelid), '') as rows,
        indclass::text || ' ' as classes, indcollation::text || ' ' as collations, indoption::text || ' ' as options,
        pg_relation_size(indexrelid) as bytes,
        indexrelname = any(${own}::text[]) as ours,
        indisunique or exists (select from pg_constraint where conindid = indexrelid) as promise
      from pg_index
      join pg_stat_user_indexes using (indexrelid)
      where indrelid = to_regclass('jobs') and indisvalid
    ),
    judged as (
      select
        name, bytes,
        (
          select min(other.name)
          from indexes other
          where other.id <> one.id and other.rows = one.rows and not one.computed and not other.computed
            and other.columns like one.columns || '%'
            and other.classes like one.classes || '%' and other.collations like one.collations || '%'
            and other.options like one.options || '%'
            and (other.columns <> one.columns or other.is_unique or other.ours or other.id < one.id)
        ) as covering,
        uses = 0 and (select sum(uses) from indexes) >= ${leastUses}::int as unused
      from indexes one
      where not ours and not promise
    )
    select
      name as index,
      bytes,
      case
        when covering is not null then 'covered by ' || covering
        else 'never used' || coalesce(' since ' || to_char(stats_reset at time zone 'utc', 'YYYY-MM-DD'), '')
      end as why,
      case when unused then stats_reset end as unused_since
    from judged
    cross join (select stats_reset from pg_stat_database where datname = current_database()) as statistics
    -- An index that covers another one must stay.
    where covering is not null or (unused and name not in (select covering from judged where covering is not null))
    order by bytes desc, name`
