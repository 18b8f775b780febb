import type { Patch } from './patch.ts'
import { pipelines } from './pipelines.ts'

/** The option `meter`, for metrics: it reads how the connections are used, and is told how long each query waited for its session. */
export const meter: Patch = {
  name: 'meter',
  needs: pipelines,
  changes: {
    'connection.js': [
      // `pipelines.ts` has added the function `started`: the query is the one that PostgreSQL now runs in the session.
      [
        '    connection.silentMs = connection.began - heard\n',
        `    connection.silentMs = connection.began - heard
    if (q.since === undefined) return
    options.meter.waited(performance.now() - q.since)
    q.since = undefined
`,
      ],
    ],
    'index.js': [
      ['    socket          : o.socket,\n', '    socket          : o.socket,\n    meter           : o.meter,\n'],
      // A pool for subscriptions to logical replication, which the driver makes beside each pool, is never used here.
      [
        '  Object.assign(sql, {\n    get parameters()',
        `  options.meter && !options.no_subscribe && options.meter.watch(() => ({
    busy: connecting.length + busy.length + full.length + reserved.length,
    idle: open.length,
    closed: closed.length + ended.length,
    waiting: connections.reduce((sum, { pipelined }) => sum + pipelined, queries.length)
  }))

  Object.assign(sql, {
    get parameters()`,
      ],
      // Each query knows when it was handed over.
      [
        '  function handler(query) {\n    if (ending)\n',
        '  function handler(query) {\n    if (options.meter)\n      query.since = performance.now()\n\n    if (ending)\n',
      ],
    ],
  },
}
