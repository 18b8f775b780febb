type Right = 'select' | 'insert' | 'update' | 'delete'

const append: readonly Right[] = ['select', 'insert', 'update']
const exchange: readonly Right[] = ['select', 'insert', 'delete']
const all: readonly Right[] = ['select', 'insert', 'update', 'delete']

/** What a server does with each table: nothing more has to be granted. A row lock (`for update`) needs the right to update. */
export const tableRights: Readonly<Record<string, readonly Right[]>> = {
  jobs: all,
  job_attachments: exchange,
  // Made for another program: the server neither reads nor writes it.
  job_counters: [],
  job_dependencies: exchange,
  job_events: all,
  job_operation_days: append,
  job_operation_rows: all,
  job_operations: all,
  job_queue_controls: append,
  job_sla_policies: all,
  jobs_api_tokens: append,
  jobs_archive: all,
  jobsctl_callers: all,
  jobsctl_count_deltas: exchange,
  jobsctl_counting: append,
  jobsctl_counts: all,
  jobsctl_detached: all,
  jobsctl_event_cursors: all,
  jobsctl_expired_events: all,
  jobsctl_held_jobs: all,
  jobsctl_history: ['select', 'update'],
  jobsctl_history_gaps: all,
  jobsctl_history_hours: all,
  jobsctl_history_minutes: all,
  jobsctl_history_totals: append,
  jobsctl_holds: all,
  jobsctl_logins: all,
  jobsctl_marks: exchange,
  jobsctl_metric_groups: ['select', 'insert'],
  jobsctl_migrations: ['select'],
  jobsctl_operation_terms: append,
  jobsctl_pickups: all,
  jobsctl_policy_rules: all,
  jobsctl_seals: append,
  jobsctl_servers: all,
  jobsctl_sessions: all,
  jobsctl_settings: all,
  jobsctl_stops: exchange,
  jobsctl_tasks: append,
  jobsctl_tokens: append,
  jobsctl_transitions: ['select', 'delete'],
  jobsctl_waiting_edges: all,
  jobsctl_waits: all,
  jobsctl_worker_marks: all,
}
