import { connectionClosed, connectionDestroyed, type DriverPatches, unsent } from './patch.ts'

/**
 * Each query rejects when its connection is lost. The driver gives a query between the error and the close of a socket to this
 * connection: it never settles, or resolves with the rows of another statement.
 */
export const lostConnections: DriverPatches = {
  'connection.js': [
    // Queries reject when the socket closes, not at its error: until the close, the driver would give new queries to this
    // connection.
    ["    x.on('error', error)\n", "    x.on('error', lost)\n    x.on('end', () => lost())\n"],
    ["    socket.on('error', error)\n", "    socket.on('error', lost)\n    socket.on('end', () => lost())\n"],
    ['    , final = null\n', '    , final = null\n    , failure = null\n    , bound = false\n'],
    // A session that PostgreSQL has ended gets no more queries: the pool sends them on other connections. The driver would write
    // to this connection until its socket has closed. PostgreSQL answers in order: where `ProcessInterrupts`, in which a backend ends
    // itself, comes before the answer to Bind, the backend has not run the query, nor any query behind it. The pool sends them
    // again. A pooler may report the end of a session in its own words, and does not know what the session has run.
    [
      '  function ErrorResponse(x) {\n',
      `  function lost(reason, isInOrder) {
    if (failure)
      return

    failure = reason || ${connectionClosed}
    if (options.socket || connection.queue === queues.connecting)
      return

    chunk = null
    connection.reserved = null
    onend(connection, isInOrder === true ? notRun() : [])
    socket.destroy()
  }

  function notRun() {
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
    if (severity === 'FATAL' && !options.socket && connection.queue !== queues.connecting)
      lost(null, routine === 'ProcessInterrupts')

`,
    ],
    ['    !query && onopen(connection)\n', '    !query && !failure && onopen(connection)\n'],
    ['  function BindComplete() {\n', '  function BindComplete() {\n    bound = true\n'],
    [
      `    query = results = errorResponse = null
    result = new Result()
    connectTimer.cancel()
`,
      `    query = results = errorResponse = null
    bound = false
    result = new Result()
    connectTimer.cancel()
`,
    ],
    // What is not written when a connection ends is not written after its end.
    ['    clearImmediate(nextWriteTimer)\n    if (socket) {\n', '    chunk = null\n    if (socket) {\n'],
    // The next session starts without unsent data of the last one.
    [
      "    clearImmediate(nextWriteTimer)\n    socket.removeListener('data', data)\n",
      "    chunk = null\n    socket.removeListener('data', data)\n",
    ],
    [
      `    if (initial)
      return reconnect()

    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))
`,
      `    error(failure || ${connectionClosed})
    failure = query = results = errorResponse = null
    bound = false
    result = new Result()

    if (initial)
      return reconnect()

`,
    ],
    // A query that waits for the start-up of its connection has not been sent yet.
    [
      'initial && (queryError(initial, err), initial = null)',
      `initial && (queryError(initial, ${unsent("typeof err === 'object' && err || new Error(err)")}), initial = null)`,
    ],
    // Between the error and the close of a socket, a query that is given to this connection is not sent.
    [
      `    if (terminated)
      return queryError(q, ${connectionDestroyed})
`,
      `    if (terminated || failure)
      return queryError(q, ${unsent(connectionDestroyed)})
`,
    ],
    // The query that waits for the connection rejects by itself, so this rejection must not be unhandled.
    ['return fetchArrayTypes()\n', 'return fetchArrayTypes().catch(() => {})\n'],
    ['    query.execute()\n  }\n', '    query.catch(() => {})\n  }\n'],
  ],
  'index.js': [
    // What a session has not run before its end is sent again, but no statement of a transaction. Each try may meet one more connection
    // whose end is on its way.
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
    // A query that waits for a free connection when the pool is closed has not been sent.
    [`queries.shift().reject(${connectionDestroyed})`, `queries.shift().reject(${unsent(connectionDestroyed)})`],
  ],
}
