import { connectionClosed, connectionDestroyed, type Patch, unsent } from './patch.ts'

/**
 * Each query rejects when its connection is lost. Between the error and the close of a socket the driver gives queries to the
 * connection: they never settle, or resolve with the rows of another statement. It also writes to a session that PostgreSQL has
 * ended, until the socket has closed.
 */
export const queriesOfLostConnections: Patch = {
  name: 'queriesOfLostConnections',
  changes: {
    'connection.js': [
      ["    x.on('error', error)\n", "    x.on('error', lost)\n    x.on('end', () => lost())\n"],
      ["    socket.on('error', error)\n", "    socket.on('error', lost)\n    socket.on('end', () => lost())\n"],
      ['    , final = null\n', '    , final = null\n    , failure = null\n'],
      [
        '  function ErrorResponse(x) {\n',
        `  function lost(reason) {
    if (failure)
      return

    failure = reason || ${connectionClosed}
    if (options.socket || connection.queue === queues.connecting)
      return

    connection.reserved = null
    onend(connection)
    socket.destroy()
  }

  function ErrorResponse(x) {
    const { severity } = parseError(x)
    if (severity === 'FATAL' && !options.socket && connection.queue !== queues.connecting)
      lost()

`,
      ],
      ['    !query && onopen(connection)\n', '    !query && !failure && onopen(connection)\n'],
      [
        `    if (initial)
      return reconnect()

    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))
`,
        `    error(failure || ${connectionClosed})
    failure = query = results = errorResponse = null
    result = new Result()

    if (initial)
      return reconnect()

`,
      ],
      [
        '    if (stream)\n      return queryError(',
        `    if (failure)
      return queryError(q, ${unsent(connectionDestroyed)})

    if (stream)
      return queryError(`,
      ],
    ],
  },
}

/**
 * The pool sends a query again that a session has not run before its end, but no statement of a transaction. PostgreSQL answers in
 * order: where `ProcessInterrupts`, in which a backend ends itself, comes before the answer to Bind, the backend has not run the query,
 * nor any query behind it. A pooler may report the end of a session in its own words, and does not know what the session has run. Each
 * try may meet one more connection whose end is on its way.
 */
export const sentAgain: Patch = {
  name: 'sentAgain',
  needs: queriesOfLostConnections,
  changes: {
    'connection.js': [
      ['    , failure = null\n', '    , failure = null\n    , bound = false\n'],
      ['  function lost(reason) {\n', '  function lost(reason, isInOrder) {\n'],
      [
        '    onend(connection)\n    socket.destroy()\n',
        '    onend(connection, isInOrder ? notRun() : [])\n    socket.destroy()\n',
      ],
      [
        '  function ErrorResponse(x) {\n    const { severity } = parseError(x)\n',
        `  function notRun() {
    const all = []
    if (query && !bound && (!query.options.simple || query.options.onexecute)) {
      all.push(query)
      query = null
    }
    while (sent.length)
      all.push(sent.shift())
    return all
  }

  function ErrorResponse(x) {
    const { severity, routine } = parseError(x)
`,
      ],
      ['queues.connecting)\n      lost()\n', "queues.connecting)\n      lost(null, routine === 'ProcessInterrupts')\n"],
      ['  function BindComplete() {\n', '  function BindComplete() {\n    bound = true\n'],
      [
        '    result = new Result()\n    connectTimer.cancel()\n',
        '    result = new Result()\n    bound = false\n    connectTimer.cancel()\n',
      ],
      [
        '    failure = query = results = errorResponse = null\n',
        '    failure = query = results = errorResponse = null\n    bound = false\n',
      ],
    ],
    'index.js': [
      [
        '  function onend(c) {\n    move(c, ended)\n',
        `  function onend(c, notRun = []) {
    move(c, ended)
    for (const query of notRun) {
      query.tries = (query.tries || 0) + 1
      query.active = false
      query.parameters = query.state = null
      query.handler === handler && query.tries <= options.max
        ? handler(query)
        : query.reject(${unsent(connectionClosed)})
    }
`,
      ],
    ],
  },
}

/** Marks the errors of queries that were never sent: they waited for the start-up of a connection or for a free one. */
export const unsentErrors: Patch = {
  name: 'unsentErrors',
  changes: {
    'connection.js': [
      [
        'initial && (queryError(initial, err), initial = null)',
        `initial && (queryError(initial, ${unsent("typeof err === 'object' && err || new Error(err)")}), initial = null)`,
      ],
      [
        `    if (terminated)\n      return queryError(q, ${connectionDestroyed})\n`,
        `    if (terminated)\n      return queryError(q, ${unsent(connectionDestroyed)})\n`,
      ],
    ],
    'index.js': [
      [`queries.shift().reject(${connectionDestroyed})`, `queries.shift().reject(${unsent(connectionDestroyed)})`],
    ],
  },
}

/** A session starts without data that the previous session of the connection has not sent. In the driver it never starts. */
export const unsentData: Patch = {
  name: 'unsentData',
  changes: {
    'connection.js': [
      [
        "    clearImmediate(nextWriteTimer)\n    socket.removeListener('data', data)\n",
        "    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener('data', data)\n",
      ],
    ],
  },
}

/** The queries of the start-up reject with the connection. The query that waits for it rejects by itself, so theirs are handled. */
export const startUpRejections: Patch = {
  name: 'startUpRejections',
  changes: {
    'connection.js': [
      ['return fetchArrayTypes()\n', 'return fetchArrayTypes().catch(() => {})\n'],
      ['    query.execute()\n  }\n', '    query.catch(() => {})\n  }\n'],
    ],
  },
}
