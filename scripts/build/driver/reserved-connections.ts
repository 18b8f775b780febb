import { connectionClosed, type Patch, unsent } from './patch.ts'

/**
 * BEGIN reserves its connection wherever it stands in a pipeline. The driver reserves none for statement 101, nor while the socket
 * is full: the transaction fails then, and its session stays in an open transaction.
 */
export const beginInPipeline: Patch = {
  name: 'beginInPipeline',
  changes: {
    'connection.js': [
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
  },
}

/** A transaction fails when its session is lost. In the driver it goes on in the next session of the connection. */
export const lostTransactions: Patch = {
  name: 'lostTransactions',
  changes: {
    'index.js': [
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
    ],
  },
}

/** A reserved session fails in the same way, and releases only its own session. */
export const lostReservations: Patch = {
  name: 'lostReservations',
  changes: {
    'index.js': [
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
    ],
  },
}

/** A caller of `reserve` leaves the queue when it is rejected. In the driver it takes a session later, which nobody gives back. */
export const rejectedReservations: Patch = {
  name: 'rejectedReservations',
  changes: {
    'index.js': [
      [
        'const query = { reserve: resolve, reject }\n',
        'const query = { reserve: resolve, reject: (e) => (queries.remove(query), reject(e)) }\n',
      ],
    ],
  },
}

/** A caller of `reserve` stays in the queue until a session is free. In the driver it is forgotten when a connection is renewed. */
export const waitingReservations: Patch = {
  name: 'waitingReservations',
  changes: {
    'index.js': [
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
  },
}

/**
 * A session that waits for the rest of a statement is `idle in transaction`, which PostgreSQL ends in time. The driver has PostgreSQL describe the
 * parameters of a new statement by Flush: a server that freezes then holds the locks of its transaction for as long as it is frozen, since no
 * timeout of PostgreSQL is over such a session. By Sync the session is at rest. Outside of a transaction there is nothing to hold, and a
 * pooler could give the rest of the statement to another session.
 */
export const describedAtRest: Patch = {
  name: 'describedAtRest',
  changes: {
    'connection.js': [
      [
        '        ? Buffer.concat([describe(q), Flush])\n',
        '        ? Buffer.concat([describe(q), rests(q) ? Sync : Flush])\n',
      ],
      [
        '  function describe(q) {\n',
        `  function rests(q) {
    return q.rests = !q.onlyDescribe && connection.reserved && !connection.reserved.release
  }

  function sync() {
    query.describeFirst && query.rests
      ? query.rests = false
      : write(Sync)
  }

  function describe(q) {
`,
      ],
      [
        '        query && (query.cursorFn || query.describeFirst) && write(Sync)\n',
        '        query && (query.cursorFn || query.describeFirst) && sync()\n',
      ],
      [
        '      (query.cursorFn || query.describeFirst) && write(Sync)\n',
        '      (query.cursorFn || query.describeFirst) && sync()\n',
      ],
      [
        '  function ReadyForQuery(x) {\n',
        `  function ReadyForQuery(x) {
    if (query && query.rests) {
      query.rests = false
      return
    }

`,
      ],
    ],
  },
}
