import { connectionClosed, type DriverPatches, unsent } from './patch.ts'

/** A transaction and a reserved connection end with their session. In the driver they go on in another session, or end the process. */
export const reservedConnections: DriverPatches = {
  'connection.js': [
    // BEGIN reserves its connection wherever it stands in a pipeline. The driver reserves none for statement 101, nor while
    // the socket is full: the transaction fails then, and its session stays in an open transaction.
    [
      `      return write(toBuffer(q))
        && !q.describeFirst
        && !q.cursorFn
        && sent.length < max_pipeline
        && (!q.options.onexecute || q.options.onexecute(connection))
`,
      `      const drained = write(toBuffer(q))
      if (q.options.onexecute) {
        q.options.onexecute(connection)
        return false
      }
      return drained
        && !q.describeFirst
        && !q.cursorFn
        && sent.length < max_pipeline
`,
    ],
  ],
  'index.js': [
    // A transaction fails when its session is lost. It must not continue in the next session of the same connection.
    ['      , connection\n      , prepare = null\n', '      , connection\n      , mine\n      , prepare = null\n'],
    ['c.reserved = () => queries.length\n', 'c.reserved = mine = () => queries.length\n'],
    [
      '        c.queue === full\n          ? queries.push(q)\n',
      `        if (c.reserved !== mine) return q.reject(${unsent(connectionClosed)})
        c.queue === full
          ? queries.push(q)
`,
    ],
    [
      'connection.onclose = reject)',
      `connection.onclose = (e) => {
          reject(e)
          while (queries.length) queries.shift().reject(e)
        })`,
    ],
    // A reserved session fails in the same way, and releases only its own session.
    [
      'c.reserved = () => queue.length\n',
      `c.onclose = (e) => {
      while (queue.length) queue.shift().reject(e)
    }
    const mine = c.reserved = () => queue.length
`,
    ],
    [
      '      c.queue === full\n        ? queue.push(q)\n',
      `      if (c.reserved !== mine) return q.reject(${unsent(connectionClosed)})
      c.queue === full
        ? queue.push(q)
`,
    ],
    ['sql.release = () => {\n', 'sql.release = () => {\n      if (c.reserved !== mine) return\n'],
    // A caller of `reserve` stays in the queue until a session is free, and leaves the queue when it is rejected.
    [
      'const query = { reserve: resolve, reject }\n',
      'const query = { reserve: resolve, reject: (e) => (queries.remove(query), reject(e)) }\n',
    ],
    [
      '    queries.length && connect(c, queries.shift())\n',
      `    if (queries.length) {
      const next = queries.shift()
      next.reserve && queries.push(next)
      connect(c, next)
    }
`,
    ],
  ],
}
