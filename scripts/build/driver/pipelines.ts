import type { Patch } from './patch.ts'

/** A statement that began longer ago may be waiting for a lock, in milliseconds. */
const youngMs = 20
/** Where a session has sent nothing for longer before a statement, its end may be on its way, in milliseconds. */
const silentMs = 20
/** How many statements may wait behind another one on its connection. */
const mostBehind = 8

/**
 * Where all connections are busy, a statement is sent behind statements of other callers only where the first of these began a
 * moment ago, in a session that was heard just before; else it waits for the first connection that is free. The driver would send it
 * behind a statement that has waited for a lock for seconds. A second write to a session that has ended fails, and then nothing that
 * the session has sent can be read. The embedded database has one connection, so that no other one becomes free.
 */
export const pipelines: Patch = {
  name: 'pipelines',
  changes: {
    'connection.js': [
      ['    , final = null\n', '    , final = null\n    , heard = 0\n'],
      ['  function data(x) {\n', '  function data(x) {\n    heard = performance.now()\n'],
      ['        : (query = q, query.active = true)\n', '        : (query = q, query.active = true, started(q))\n'],
      ['(query.active = true, query.cancelled))\n', '(query.active = true, started(query), query.cancelled))\n'],
      [
        '  function toBuffer(q) {\n',
        `  function started(q) {
    connection.began = performance.now()
    connection.silentMs = connection.began - heard
  }

  function toBuffer(q) {
`,
      ],
      ['    queue: queues.closed,\n', '    queue: queues.closed,\n    get pipelined() { return sent.length },\n'],
    ],
    'index.js': [
      [
        '    busy.length\n      ? go(busy.shift(), query)\n      : queries.push(query)\n',
        `    while (busy.length) {
      const c = busy.shift()
      if (mayFollow(c))
        return go(c, query)
      move(c, full)
    }
    queries.push(query)
`,
      ],
      [
        '  function go(c, query) {\n',
        `  function mayFollow(c) {
    return options.max === 1
      || (c.pipelined < ${mostBehind} && performance.now() - c.began < ${youngMs} && c.silentMs < ${silentMs})
  }

  function go(c, query) {
`,
      ],
      [
        'let max = Math.ceil(queries.length / (connecting.length + 1))\n',
        `let max = Math.min(options.max === 1 ? Infinity : ${mostBehind}, Math.ceil(queries.length / (connecting.length + 1)))\n`,
      ],
    ],
  },
}
