import { takeLock } from '../database/advisory-locks.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/**
 * Restores edges in a statement whose CTE `restored_rows` has the archived rows of the jobs that come back. Where edges
 * have foreign keys, an edge with a missing end would fail the whole batch: it waits in `jobsctl_waiting_edges` until its
 * other end is restored. Without foreign keys an edge comes back with the first of its ends.
 */
export interface EdgeRestore {
  /** Defines the CTE `edges` (rows of `job_dependencies`) and, with foreign keys, `released_edges` and `held_edges`. */
  edges: Fragment
  /** A `where` clause on the alias `edge`, which leaves out the edges that have to wait. */
  where: Fragment
}

/** Reads whether edges have foreign keys, and takes the lock that orders concurrent restores where they have. */
export async function prepareEdgeRestore(tx: Sql): Promise<EdgeRestore> {
  const [foreignKey] =
    await tx`select from pg_constraint where conrelid = to_regclass('job_dependencies') and contype = 'f' limit 1`
  if (!foreignKey) return { edges: edges(tx, tx``), where: tx`` }
  // Two transactions that restore the two ends of an edge at the same time would not see each other.
  await tx`select ${takeLock(tx, 'edges')}`
  return {
    edges: tx`${releasedEdges(tx)}, ${edges(tx, tx`union all select edge from released_edges`)}, ${heldEdges(tx)}`,
    where: tx`where ${exists(tx, tx`edge.job_uuid`)} and ${exists(tx, tx`edge.depends_on_job_uuid`)}`,
  }
}

/** Defines the CTE `edges`. Needs `restored_rows`, and the CTEs that `more` selects from. */
const edges = (sql: Sql, more: Fragment): Fragment => sql`
  edges as materialized (
    select distinct on (edge.job_uuid, edge.depends_on_job_uuid) edge.*
    from (
      select jsonb_array_elements(job_dependencies) as edge from restored_rows
      ${more}
    ) as kept
    cross join lateral jsonb_populate_record(null::job_dependencies, kept.edge) as edge
  )`

/** Defines the CTE `released_edges`: edges that waited for a job of `restored_rows`, of whatever operation. */
const releasedEdges = staticFragment(
  (sql) => sql`
  released_edges as (
    delete from jobsctl_waiting_edges where uuid = any(array(select uuid::text from restored_rows)) returning edge
  )`,
)

/** Defines the CTE `held_edges`, which stores the edges of `edges` that lack an end. */
const heldEdges = staticFragment(
  (sql) => sql`
  held_edges as (
    insert into jobsctl_waiting_edges (uuid, edge)
    select missing.uuid::text, to_jsonb(edge)
    from edges as edge
    cross join lateral (values (edge.job_uuid), (edge.depends_on_job_uuid)) as missing (uuid)
    where not ${exists(sql, sql`missing.uuid`)}
    on conflict do nothing
  )`,
)

/** True where a job with this uuid exists, or is in `restored_rows`. */
const exists = (sql: Sql, uuid: Fragment): Fragment => sql`(
  ${uuid} in (select uuid from restored_rows) or exists (select from jobs live where live.uuid = ${uuid} offset 0)
)`
