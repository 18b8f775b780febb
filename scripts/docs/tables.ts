import { type IndexStatement, indexesIn } from '../../server/database/migrate/index-statements.ts'
import { allMigrations } from '../../server/database/migrate/migrations.ts'
import { code, page, table } from './markdown.ts'
import { columnsAddedIn, functionsIn, type TableText, tablesIn } from './migration-text.ts'

/** What each table is for; a table of a migration without a sentence fails the generator. */
export const tablePurposes: Record<string, string> = {
  jobs: 'The jobs. Shared with other programs.',
  job_events: 'The event log. Shared with other programs.',
  job_queue_controls: 'The queues that are paused or drain. Shared with other programs.',
  job_attachments:
    'Logs, artifacts and tags of jobs. Shared with other programs; a prune deletes the attachments of its jobs.',
  job_sla_policies: 'How long the jobs of a group may wait and run. Shared with other programs.',
  job_counters: 'Counts of another program. The server makes the table, and neither reads nor writes it.',
  job_dependencies: 'One row for each job that another job waits for. Shared with other programs.',
  jobs_archive:
    'The jobs that a prune has deleted, until `JOBS_ARCHIVE_DAYS` are over. Rows of other programs have no `operation_id` and are never touched.',
  jobs_api_tokens: 'Bearer tokens of multi-user mode, as hashes.',
  job_operations: 'The record of each bulk change, and of each act of an operator or admin.',
  job_operation_days: 'The hash chain of the records: one row a day.',
  job_operation_rows:
    'The columns that a requeue, a retry, a sweep, a cancel, a reschedule, a change of priorities or an edit has overwritten, until `JOBS_ARCHIVE_DAYS` are over.',
  jobsctl_settings:
    'What all servers on this database share: the installation, a freeze, who applied the policy, the key with which they sign previews, where the ids of events come from, and for how many days events are kept.',
  jobsctl_expired_events: 'How far the events of each group have been deleted because their term was over.',
  jobsctl_event_cursors: 'The places of registered readers of the event log.',
  jobsctl_plans:
    'Changes of many jobs that wait for the approval of a second person, with their previews, until their term.',
  jobsctl_emergencies: 'Operations that went past the approval they needed, and who has reviewed them.',
  jobsctl_count_deltas: 'What the triggers on `jobs` appended since the counts were last added up.',
  jobsctl_counts: 'The sums of the live jobs by group; zeros for a group without live jobs.',
  jobsctl_counting: 'One row: whether the counts can be trusted, and whether they list every group.',
  jobsctl_waiting_edges: 'Dependency edges that an undo gives back once their other end is back.',
  jobsctl_operation_terms:
    'How many days the archive keeps the jobs of each bulk change: `JOBS_ARCHIVE_DAYS` of its server.',
  jobsctl_servers: 'The servers on this database, and the settings that they must agree on.',
  jobsctl_detached: 'The requests of changes that go on without their callers, until they have ended.',
  jobsctl_tokens:
    'What each token with a role may do, whom it is for, and the hash of its secret. Version 0.1.0 does not read it, so that it refuses these tokens.',
  jobsctl_cascades:
    'Ends of jobs on which more than 1,000 others depended: the rest of these is cancelled in the background, and the row stays until then.',
  jobsctl_cascade_parents: 'The ended jobs of such a cascade whose dependents are looked for next.',
  jobsctl_callers: 'Callers of single sign-on who have logged in, and those who are blocked.',
  jobsctl_logins:
    'Logins that have been sent to the provider of single sign-on and have not come back, for ten minutes.',
  jobsctl_sessions: 'Sessions of browsers, by the hashes of their cookies.',
  jobsctl_agent_sessions: 'Sessions of agents, by the hashes of their secrets, for 12 hours.',
  jobsctl_agent_calls: 'What agents asked, and which fields of how many rows they got, for 90 days.',
  jobsctl_depth_groups: 'The groups that have depths.',
  jobsctl_depth_moments:
    'The moments at which the depths of all groups were written, with their sums: by the minute for 7 days, by the hour for 90.',
  jobsctl_depths:
    'How many jobs of a group were queued, scheduled, processing and quarantined at a moment: the groups that changed, and at the hour all of them.',
  jobsctl_queues: 'What is set for a queue, beside a stop.',
  jobsctl_limits: 'How many jobs of a throttled queue run at the same time, or begin in a minute.',
  jobsctl_claims: 'The jobs that hold a key of an enqueue with `unique: while_queued`.',
  jobsctl_stops: 'Running operations that somebody asked to stop.',
  jobsctl_holds: "What keeps jobs from prune, sweep and the end of the archive's term, until a time.",
  jobsctl_held_jobs: 'The single jobs of holds: those that were named, and those that an undo gave back.',
  jobsctl_waits: 'Running operations that wait between two batches, and for what.',
  jobsctl_locks:
    'What servers exclude each other by, a row a lock: a role that may not write it keeps no server from its work.',
  jobsctl_seals: 'The second seal of each record, with the version of its formula.',
  jobsctl_worker_marks:
    'Which workers ask this API for jobs of which queue, written at most once a minute, for `explain` and `workers`.',
  jobsctl_policy_rules: 'The rules of the policy that is applied, each with its next time and its last run.',
  jobsctl_pickups: 'When jobs of each group were last picked up, also by plain SQL.',
  jobsctl_transitions: 'What the triggers on `jobs` appended to the history since it was last added up.',
  jobsctl_history_minutes: 'Transitions of jobs by group and minute, for 7 days.',
  jobsctl_history_hours: 'Transitions of jobs by group and hour, for 90 days.',
  jobsctl_history_totals: 'All transitions of jobs by group since history was first on: these numbers only grow.',
  jobsctl_history: 'One row: whether the triggers append to the history.',
  jobsctl_history_gaps: 'The times in which history was off, or no server ran.',
  jobsctl_marks: 'What operators said about a moment, such as a deployment.',
  jobsctl_metric_groups:
    'The groups and queues that have series of their own in metrics, in the order in which they were seen.',
  jobsctl_tasks: 'When tasks in the background last succeeded, and what the checks among them found.',
  jobsctl_migrations:
    'Which migrations have run: `number`, `name`, `applied_at`, and in `made` what they made in tables of other programs, as JSON.',
}

/** The tables, columns and indexes that the migrations make. */
export async function tablesPage(): Promise<string> {
  const migrations = (await allMigrations()).toSorted((one, other) => one.number - other.number)
  const found = migrations.flatMap(({ text }) => tablesIn(text))
  const indexes = migrations.flatMap(({ text }) => indexesIn(text))
  for (const { table, ...column } of migrations.flatMap(({ text }) => columnsAddedIn(text)))
    found.find(({ name }) => name === table)?.columns.push(column)
  const unknown = found.filter(({ name }) => !(name in tablePurposes)).map(({ name }) => name)
  if (unknown.length > 0) throw new Error(`scripts/docs/tables.ts has no sentence on ${unknown.join(', ')}`)
  return page(
    'Tables',
    'The migrations in `server/database/migrate/migrations/` make these tables. In a database of another program a table that is ' +
      'there is kept with every row, and gets only the columns that are missing. Who writes which table is in ' +
      '`ARCHITECTURE.md` of the repository.',
    '## Migrations',
    table(
      ['file', 'what the migration makes'],
      migrations.map(({ name, text }) => [code(name), madeBy(text)]),
    ),
    'A `.concurrent.sql` file builds each index with `create index concurrently`, while the server already answers; on an empty table at once, before that.',
    ...found.map((one) => tablePart(one, indexes)),
    '## jobsctl_migrations',
    tablePurposes.jobsctl_migrations ?? '',
  )
}

const madeBy = (text: string): string => {
  const added = columnsAddedIn(text).map(({ table, name }) => `${table}.${name}`)
  const indexes = indexesIn(text).map(({ name }) => name)
  const names = [...tablesIn(text).map(({ name }) => name), ...added, ...indexes, ...functionsIn(text)]
  return names.map(code).join(', ')
}

function tablePart({ name, columns, constraints }: TableText, indexes: readonly IndexStatement[]): string {
  const own = indexes.filter(({ table }) => table === name)
  return [
    `## ${name}`,
    tablePurposes[name],
    table(
      ['column', 'type', 'note'],
      columns.map((column) => [code(column.name), column.type, column.note]),
    ),
    ...(constraints.length > 0 ? [`Also: ${constraints.map(sentenceOf).join(', ')}.`] : []),
    ...(own.length > 0 ? [indexTable(own)] : []),
  ].join('\n\n')
}

const sentenceOf = (constraint: string): string =>
  constraint.startsWith('like ') ? `the columns of \`${constraint.replace(/^like (wanted_)?/, '')}\`` : code(constraint)

const indexTable = (indexes: readonly IndexStatement[]): string =>
  table(
    ['index', 'on', 'why'],
    indexes.map(({ name, unique, keys, condition, serves }) => [
      code(name),
      `${unique ? 'unique ' : ''}${code(`(${keys})`)}${condition ? ` where ${code(condition)}` : ''}`,
      serves,
    ]),
  )
