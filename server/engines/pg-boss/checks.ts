import { inQueueScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineCheck } from '../adapter.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'
import { readLeavesWithout } from './foreign-keys.ts'
import { expiresAt, heartbeatEnd } from './projection.ts'
import { readSupervision } from './supervision.ts'

/** The most jobs that one check compares, and of each queue those that have waited longest. */
const mostRead = 50_000
const mostWaiting = 2000

/** A place with the queues that are looked at. */
interface Looked {
  place: Found
  /** The schema, as a part of a statement. */
  of: Fragment
  /** `and …` on a row with `domain` and `queue`. */
  isMeant: Fragment
}

/**
 * What keeps jobs of pg-boss from running, or from having ended, although nobody works on them. Each check is a query with a bound of its own.
 * @returns checks in the order of the answer, each with what to do
 */
export async function readChecks(sql: Sql, place: Found, scope: Narrowed): Promise<EngineCheck[]> {
  const looked: Looked = {
    place,
    of: sql.unsafe(place.schema),
    isMeant: inQueueScope(sql, scope),
  }
  const again = await readSupervision(sql, place)
  const waits = place.columns.has('pending_dependencies')
  return [
    {
      check: 'expired',
      title: 'running for longer than expireInSeconds',
      instead: again,
      candidates: running(sql, looked, isExpired(sql, place)),
    },
    ...(place.columns.has('heartbeat_seconds')
      ? [
          {
            check: 'heartbeat_lost',
            title: 'running without a heartbeat of its worker',
            instead: again,
            candidates: running(sql, looked, sql`not ${isExpired(sql, place)} and ${isHeartbeatLost(sql)}`),
          },
        ]
      : []),
    ...(waits
      ? [
          {
            check: 'parent_gone',
            title: 'blocked by a job that is gone',
            instead: 'nothing releases these: cancel them (jobsctl cancel), and send their work again',
            candidates: blocked(sql, looked, sql`j.pending_dependencies > parents.live + parents.ended`),
          },
          {
            check: 'parent_ended',
            title: 'blocked by a job that failed or was cancelled',
            instead:
              'jobsctl explain <id> names that job: these run once it has completed, so retry it (jobsctl retry), or cancel these',
            candidates: blocked(
              sql,
              looked,
              sql`parents.ended > 0 and j.pending_dependencies <= parents.live + parents.ended`,
            ),
          },
        ]
      : []),
    {
      check: 'retention_over',
      title: 'waiting past keep_until',
      instead: 'pg-boss deletes these without running them: jobsctl reschedule --now --ids-file gives them a new term',
      candidates: pastRetention(sql, looked),
    },
    {
      check: 'queue_gone',
      title: 'in a queue that is gone',
      instead: 'no worker gets these: boss.createQueue() with the name of the queue in your application',
      candidates: inQueuesGone(sql, looked, await readLeavesWithout(sql, place.schema, 'name')),
    },
    {
      check: 'dead_letter_gone',
      title: 'with a dead letter queue that is gone',
      instead: 'no copy is kept when these fail: boss.createQueue() with its name in your application',
      candidates: withoutDeadLetters(sql, looked, await readLeavesWithout(sql, place.schema, 'dead_letter')),
    },
  ]
}

const isExpired = (sql: Sql, { columns }: Found): Fragment =>
  sql`coalesce(${sql.unsafe(expiresAt(columns))} < now(), false)`

const isHeartbeatLost = (sql: Sql): Fragment => sql`coalesce(${sql.unsafe(heartbeatEnd)} < now(), false)`

/** The queues that are looked at, with the alias `q`. */
const queues = (sql: Sql, { place, of, isMeant }: Looked): Fragment => sql`
  (
    select queue
    from (select ${sql.unsafe(quotedText(place.domain))}::text as domain, name as queue from ${of}.queue) as every
    where true ${isMeant}
  ) as q`

/**
 * A query of jobs `j` in some states, at most one more than are compared. Where the index of live jobs is missing, the table is read once, and not once for
 * each queue.
 * @param where a condition on `j`
 */
function live(sql: Sql, looked: Looked, where: Fragment): Fragment {
  const { place, of, isMeant } = looked
  const bound = sql.unsafe(`limit ${mostRead + 1}`)
  if (place.indexes.has('i14'))
    return sql`
      select j.*
      from ${queues(sql, looked)}
      cross join lateral (select j.* from ${of}.job as j where j.name = q.queue and ${where} ${bound}) as j
      ${bound}`
  return sql`
    select j.*
    from (
      select ${sql.unsafe(quotedText(place.domain))}::text as domain, j.name as queue, j.* from ${of}.job as j where ${where}
    ) as j
    where true ${isMeant}
    ${bound}`
}

/** The columns of a candidate that a check may compare. */
const judged = (sql: Sql, isBroken: Fragment): Fragment => sql`
  j.name as queue, j.id as native_id, ${isBroken} as is_broken, count(*) over () > ${mostRead}::int as is_cut`

const running = (sql: Sql, looked: Looked, isBroken: Fragment): Fragment =>
  sql`select ${judged(sql, isBroken)} from (${live(sql, looked, sql`j.state = 'active'`)}) as j`

/**
 * Jobs that wait for others. pg-boss counts in \`pending_dependencies\` how many of those have to complete: a parent that has completed and has told its
 * children counts no more, whether it is still there or not.
 */
function blocked(sql: Sql, looked: Looked, isBroken: Fragment): Fragment {
  const { of } = looked
  return sql`
    select ${judged(sql, isBroken)}
    from (${live(sql, looked, sql`j.state in ('created', 'retry') and j.blocked`)}) as j
    cross join lateral (
      select
        count(*) filter (where parent.state < 'completed' or parent.state = 'completed' and parent.blocking) as live,
        count(*) filter (where parent.state > 'completed' and parent.blocking) as ended
      from ${of}.job_dependency as edge
      cross join lateral (
        select p.state, p.blocking from ${of}.job as p where p.name = edge.parent_name and p.id = edge.parent_id offset 0
      ) as parent
      where edge.child_name = j.name and edge.child_id = j.id
    ) as parents`
}

/** Jobs that wait, of each queue those first that are due first: jobs of a queue are kept for the same time from then on, but for those that say otherwise. */
function pastRetention(sql: Sql, looked: Looked): Fragment {
  const { of, place } = looked
  const first = (state: string, isBlocked: string) => sql`
    select *
    from (
      select j.name as queue, j.id as native_id, j.keep_until < now() as is_broken, row_number() over () as nth
      from (
        select j.name, j.id, j.keep_until
        from ${of}.job as j
        where j.name = q.queue and j.state = ${sql.unsafe(`'${state}'`)} ${sql.unsafe(isBlocked)}
        order by j.start_after
        ${sql.unsafe(`limit ${mostWaiting + 1}`)}
      ) as j
    ) as judged
    where is_broken or nth > ${mostWaiting}::int`
  const hasBlocked = place.columns.has('blocked')
  const isIndexed = place.indexes.has('i14')
  const forms = hasBlocked ? ['and not j.blocked', ...(isIndexed ? ['and j.blocked'] : [])] : ['']
  const [one = sql`select`, ...others] = forms.flatMap((form) =>
    ['created', 'retry'].map((state) => first(state, form)),
  )
  // No index of an older version has blocked jobs: the table is read for all queues at once.
  const rest =
    hasBlocked && !isIndexed
      ? sql`
        union all
        select ${judged(sql, sql`j.keep_until < now()`)}
        from (${live(sql, looked, sql`j.state in ('created', 'retry') and j.blocked`)}) as j`
      : sql``
  return sql`
    (
      select waiting.queue, waiting.native_id, waiting.is_broken, waiting.nth > ${mostWaiting}::int as is_cut
      from ${queues(sql, looked)}
      cross join lateral (${others.reduce((all, part) => sql`${all} union all ${part}`, one)}) as waiting
      ${sql.unsafe(`limit ${mostRead + 1}`)}
    )
    ${rest}`
}

const nothing = (sql: Sql): Fragment =>
  sql`select null::text as queue, null::uuid as native_id, false as is_broken, false as is_cut where false`

/**
 * Jobs that have not ended in queues without a row. The names of the queues of a partition are read one by one from its primary key.
 * @param leaves the partitions that no foreign key keeps from having such jobs
 */
function inQueuesGone(sql: Sql, { place, of, isMeant }: Looked, leaves: readonly string[]): Fragment {
  const parts = leaves.map((leaf) => {
    const table = sql.unsafe(leaf)
    return sql`
      select j.name, j.id
      from (
        with recursive names (name, nth) as (
          select (select l.name from ${table} as l order by l.name limit 1), 1
          union all
          select (select l.name from ${table} as l where l.name > names.name order by l.name limit 1), nth + 1
          from names
          where names.name is not null and nth < ${mostRead}::int
        )
        select name
        from names
        where name is not null and not exists (select from ${of}.queue as queue where queue.name = names.name offset 0)
      ) as gone
      cross join lateral (
        select l.name, l.id from ${table} as l where l.name = gone.name and l.state < 'completed' ${sql.unsafe(`limit ${mostRead + 1}`)}
      ) as j`
  })
  const [one, ...others] = parts
  if (!one) return nothing(sql)
  return sql`
    select ${judged(sql, sql`true`)}
    from (
      select *
      from (
        select ${sql.unsafe(quotedText(place.domain))}::text as domain, j.name as queue, j.name, j.id
        from (${others.reduce((all, part) => sql`${all} union all ${part}`, one)}) as j
      ) as every
      where true ${isMeant}
      ${sql.unsafe(`limit ${mostRead + 1}`)}
    ) as j`
}

function withoutDeadLetters(sql: Sql, looked: Looked, leaves: readonly string[]): Fragment {
  if (leaves.length === 0) return nothing(sql)
  const isGone = sql`j.dead_letter is not null and not exists (
    select from ${looked.of}.queue as queue where queue.name = j.dead_letter offset 0
  )`
  return sql`
    select ${judged(sql, isGone)}
    from (${live(sql, looked, sql`j.state in ('created', 'retry', 'active')`)}) as j`
}
