/** A text of a file of the driver, and what stands there instead. */
export type Mend = [text: string, by: string]

const lost = "Errors.connection('CONNECTION_CLOSED', options)"

const connection: Mend[] = [
  // Whoever asked hears of an error once the socket is closed: before, what is asked next would be given to it, too.
  ["    x.on('error', error)\n", "    x.on('error', (e) => { failure = e })\n"],
  ["    socket.on('error', error)\n", "    socket.on('error', (e) => { failure = e })\n"],
  ['    , final = null\n', '    , final = null\n    , failure = null\n'],
  // Nothing of what was on its way is left to the next session.
  [
    `    clearImmediate(nextWriteTimer)
    socket.removeListener('data', data)
`,
    `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    socket.removeListener('data', data)
`,
  ],
  [
    `    if (initial)
      return reconnect()

    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))
`,
    `    error(failure || ${lost})
    failure = query = results = errorResponse = null
    result = new Result()

    if (initial)
      return reconnect()

`,
  ],
  // An error in the middle of rows would leave as many holes before those of the next statement.
  [
    `    query = results = errorResponse = null
    result = new Result()
    connectTimer.cancel()
`,
    `    query = results = errorResponse = null
    result = new Result()
    rows = 0
    connectTimer.cancel()
`,
  ],
  // Where a table was altered, whoever asked is told so, and the next one prepares it anew: the driver would ask again in
  // the middle of what is on its way, and give the answers of one statement to another.
  [
    '            ? retry(query, errorResponse)\n',
    '            ? (delete statements[query.signature], errored(errorResponse))\n',
  ],
  // Whoever waits for the connection hears of its loss by itself.
  ['return fetchArrayTypes()\n', 'return fetchArrayTypes().catch(() => {})\n'],
  ['    query.execute()\n  }\n', '    query.catch(() => {})\n  }\n'],
]

const pool: Mend[] = [
  // A transaction goes on in its own session, and not in another that its connection has by now.
  ['      , connection\n      , prepare = null\n', '      , connection\n      , mine\n      , prepare = null\n'],
  ['c.reserved = () => queries.length\n', 'c.reserved = mine = () => queries.length\n'],
  [
    '        c.queue === full\n          ? queries.push(q)\n',
    `        if (c.reserved !== mine) return q.reject(${lost})
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
  // So does a reserved session, and only its own is given back.
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
    `      if (c.reserved !== mine) return q.reject(${lost})
      c.queue === full
        ? queue.push(q)
`,
  ],
  ['sql.release = () => {\n', 'sql.release = () => {\n      if (c.reserved !== mine) return\n'],
  // Whoever waits for a session stays in line until there is one, and no longer than that.
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
]

/** The files of the driver that need it, by their names in its folder of sources. */
export const mends: Record<string, Mend[]> = { 'connection.js': connection, 'index.js': pool }
