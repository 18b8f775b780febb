/** One graph: its title, the unit in Grafana's name, and the expressions with their legends. */
interface Graph {
  title: string
  unit: string
  lines: readonly [expression: string, legend: string][]
}

const queue = '{{domain}}/{{queue}}'
const scope = 'domain=~"$domain", queue=~"$queue"'

/** What a row shows: one database, or the processes of the servers that are chosen. */
const [ofDatabase, ofServers] = ['job="$job"', 'job=~"$servers"']

/** The rows of the dashboard, from what matters most when something is wrong. */
const rows: readonly { title: string; of?: string; graphs: readonly Graph[] }[] = [
  {
    title: 'Queues',
    graphs: [
      {
        title: 'Jobs that wait',
        unit: 'short',
        lines: [[`sum by (domain, queue) (jobsctl_jobs{${scope}, state="queued"})`, queue]],
      },
      {
        title: 'The oldest job that could run',
        unit: 's',
        lines: [[`jobsctl_oldest_ready_age_seconds{${scope}}`, queue]],
      },
      {
        title: 'Running jobs',
        unit: 'short',
        lines: [[`sum by (domain, queue) (jobsctl_jobs{${scope}, state="processing"})`, queue]],
      },
      { title: 'Workers', unit: 'short', lines: [[`jobsctl_workers{${scope}}`, queue]] },
      {
        title: 'Since a worker asked',
        unit: 's',
        lines: [[`jobsctl_last_acquire_age_seconds{${scope}}`, queue]],
      },
      {
        title: 'Stopped queues',
        unit: 'short',
        lines: [[`jobsctl_queue_stopped{${scope}}`, `${queue} {{mode}}`]],
      },
    ],
  },
  {
    title: 'What became of jobs',
    graphs: [
      {
        title: 'A minute',
        unit: 'short',
        lines: [[`60 * sum by (event) (rate(jobsctl_transitions_total{${scope}}[$__rate_interval]))`, '{{event}}']],
      },
      {
        title: 'Wait, slowest of twenty',
        unit: 's',
        lines: [
          [
            'histogram_quantile(0.95, sum by (le, domain) (rate(jobsctl_job_wait_seconds_bucket{domain=~"$domain"}[$__rate_interval])))',
            '{{domain}}',
          ],
        ],
      },
      {
        title: 'Run time, slowest of twenty',
        unit: 's',
        lines: [
          [
            'histogram_quantile(0.95, sum by (le, domain, outcome) (rate(jobsctl_job_run_seconds_bucket{domain=~"$domain"}[$__rate_interval])))',
            '{{domain}} {{outcome}}',
          ],
        ],
      },
    ],
  },
  {
    title: 'Trouble',
    graphs: [
      {
        title: 'Quarantine',
        unit: 'short',
        lines: [[`sum by (domain, queue) (jobsctl_jobs{${scope}, state="quarantined"})`, queue]],
      },
      {
        title: 'Retrying jobs, expired leases, contradicting leases',
        unit: 'short',
        lines: [
          ['jobsctl_retrying_jobs', 'retrying'],
          ['jobsctl_expired_leases', 'expired leases'],
          ['jobsctl_integrity_violations', '{{check}}'],
        ],
      },
      {
        title: 'Exact counts, intact records',
        unit: 'bool_yes_no',
        lines: [
          ['jobsctl_counts_exact', 'counts are exact'],
          ['jobsctl_records_intact', 'records are intact'],
        ],
      },
    ],
  },
  {
    title: 'Bulk changes',
    graphs: [
      {
        title: 'Jobs changed a second',
        unit: 'short',
        lines: [['rate(jobsctl_operation_jobs_total[$__rate_interval])', '{{kind}}']],
      },
      {
        title: 'Ended an hour',
        unit: 'short',
        lines: [['sum by (kind, state) (increase(jobsctl_operations_total[1h]))', '{{kind}} {{state}}']],
      },
      { title: 'Running', unit: 'short', lines: [['jobsctl_operations_running', 'running']] },
    ],
  },
  {
    title: 'Database',
    graphs: [
      {
        title: 'Size',
        unit: 'bytes',
        lines: [
          ['sum by (table) (jobsctl_table_bytes)', '{{table}}'],
          ['jobsctl_archive_max_bytes', 'limit of the archive'],
        ],
      },
      {
        title: 'Open transactions',
        unit: 's',
        lines: [
          ['jobsctl_oldest_transaction_age_seconds', 'oldest'],
          ['jobsctl_events_watermark_lag_seconds', 'oldest that writes events'],
        ],
      },
      {
        title: 'Since tasks succeeded',
        unit: 's',
        lines: [['time() - jobsctl_background_last_success_timestamp_seconds', '{{task}}']],
      },
    ],
  },
  {
    title: 'Servers',
    of: ofServers,
    graphs: [
      {
        title: 'Requests a second',
        unit: 'reqps',
        lines: [
          ['sum by (status) (rate(jobsctl_http_request_duration_seconds_count[$__rate_interval]))', '{{status}}'],
        ],
      },
      {
        title: 'Slowest of a hundred, by route',
        unit: 's',
        lines: [
          [
            'histogram_quantile(0.99, sum by (le, route) (rate(jobsctl_http_request_duration_seconds_bucket[$__rate_interval])))',
            '{{route}}',
          ],
        ],
      },
      {
        title: 'Refused, and of unknown outcome, a second',
        unit: 'reqps',
        lines: [
          ['sum by (reason) (rate(jobsctl_auth_failures_total[$__rate_interval]))', '{{reason}}'],
          ['sum(rate(jobsctl_outcome_unknown_total[$__rate_interval]))', 'unknown outcome'],
        ],
      },
      {
        title: 'Connections to the database',
        unit: 'short',
        lines: [['sum by (state) (jobsctl_db_pool)', '{{state}}']],
      },
      {
        title: 'Wait for a connection, slowest of a hundred',
        unit: 's',
        lines: [
          [
            'histogram_quantile(0.99, sum by (le) (rate(jobsctl_db_wait_seconds_bucket[$__rate_interval])))',
            'all servers',
          ],
        ],
      },
      {
        title: 'Memory, and streams',
        unit: 'short',
        lines: [
          ['process_resident_memory_bytes', '{{instance}} bytes'],
          ['jobsctl_streams', '{{instance}} streams'],
        ],
      },
    ],
  },
]

/** The uid stands for the data source that is chosen when the dashboard is imported. */
const datasource = { type: 'prometheus', uid: `\${DS_PROMETHEUS}` }
const [width, height, perRow] = [8, 8, 3]

/** The expression for the series of `chosen` alone: one Prometheus may scrape several databases. */
const narrowed = (expression: string, chosen: string): string =>
  expression.replaceAll(
    /\b((?:jobsctl|process)_[a-z_]+)(\{?)/g,
    (_, metric, brace) => `${metric}{${chosen}${brace ? ', ' : '}'}`,
  )

const panelOf = ({ title, unit, lines }: Graph, chosen: string, id: number, place: { x: number; y: number }) => ({
  id,
  type: 'timeseries',
  title,
  datasource,
  gridPos: { ...place, w: width, h: height },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  targets: lines.map(([expression, legendFormat], at) => ({
    ...{ refId: 'ABC'.charAt(at), datasource },
    ...{ expr: narrowed(expression, chosen), legendFormat },
  })),
})

function panels(): object[] {
  const made: object[] = []
  let y = 0
  for (const { title, of: chosen = ofDatabase, graphs } of rows) {
    made.push({
      id: made.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    })
    y += 1
    for (const [at, graph] of graphs.entries()) {
      const place = { x: (at % perRow) * width, y: y + Math.floor(at / perRow) * height }
      made.push(panelOf(graph, chosen, made.length + 1, place))
    }
    y += Math.ceil(graphs.length / perRow) * height
  }
  return made
}

/** A variable of the dashboard: a value of a label. */
const single = (name: string, query: string, label?: string) => ({
  ...{ name, label, type: 'query', datasource, query, refresh: 2, sort: 1 },
  ...{ multi: false, includeAll: false },
})

const all = { multi: true, includeAll: true, current: { text: 'All', value: '$__all' } }

/** The dashboard of Grafana, which asks for its data source when it is imported. */
export const dashboard = (): string =>
  `${JSON.stringify(
    {
      __inputs: [{ name: 'DS_PROMETHEUS', label: 'Prometheus', type: 'datasource', pluginId: 'prometheus' }],
      title: 'jobsctl',
      uid: 'jobsctl',
      schemaVersion: 39,
      time: { from: 'now-6h', to: 'now' },
      refresh: '30s',
      templating: {
        list: [
          // A database without jobs is found by the metric that each scrape has.
          single('job', 'label_values({__name__=~"jobsctl_(jobs|counts_exact)"}, job)', 'database'),
          { ...single('domain', 'label_values(jobsctl_jobs{job="$job"}, domain)'), ...all, allValue: '.*' },
          {
            ...single('queue', 'label_values(jobsctl_jobs{job="$job", domain=~"$domain"}, queue)'),
            ...{ ...all, allValue: '.*' },
          },
          // Not every job that has such metrics, since other programs have some of the same names.
          { ...single('servers', 'label_values(jobsctl_db_pool, job)', 'servers'), ...all },
        ],
      },
      panels: panels(),
    },
    undefined,
    // The package has a limit of size.
    1,
  )}\n`
