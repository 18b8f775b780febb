/** A text that a source file of the driver contains exactly once, and its replacement. */
export type Patch = [original: string, replacement: string]

const connectionClosed = "Errors.connection('CONNECTION_CLOSED', options)"
const connectionDestroyed = "Errors.connection('CONNECTION_DESTROYED', options)"

/** Marks an error of a query that PostgreSQL cannot have run: it was not written to the socket, or the session ended before it. */
const unsent = (error: string) => `Object.assign(${error}, { unsent: true })`

/** A statement that began longer ago may be waiting for a lock, in milliseconds. */
const youngMs = 20
/** Where a session has sent nothing for longer before a statement, its end may be on its way, in milliseconds. */
const silentMs = 20
/** How many statements may wait behind another one on its connection. */
const mostBehind = 8

/** After so many different parts a connection forgets the texts of all statements. */
const mostTextParts = 5000

const connection: Patch[] = [
  // Queries reject when the socket closes, not at its error: until the close, the driver would give new queries to this
  // connection.
  ["    x.on('error', error)\n", "    x.on('error', lost)\n    x.on('end', () => lost())\n"],
  ["    socket.on('error', error)\n", "    socket.on('error', lost)\n    socket.on('end', () => lost())\n"],
  ['    , final = null\n', '    , final = null\n    , failure = null\n    , bound = false\n    , heard = 0\n'],
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
  ['  function data(x) {\n', '  function data(x) {\n    heard = performance.now()\n'],
  ['  function BindComplete() {\n', '  function BindComplete() {\n    bound = true\n'],
  // A statement is written as soon as the code that sends it has run. The driver would wait for the end of this turn of the event loop,
  // in which the server reads other requests for a millisecond, while PostgreSQL has nothing to do.
  [
    '    nextWriteTimer === null && (nextWriteTimer = setImmediate(nextWrite))\n',
    '    queueMicrotask(() => chunk && nextWrite())\n',
  ],
  // What is not written when a connection ends is not written after its end.
  ['    clearImmediate(nextWriteTimer)\n    if (socket) {\n', '    chunk = null\n    if (socket) {\n'],
  // The next session starts without unsent data of the last one.
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
    `    error(failure || ${connectionClosed})
    failure = query = results = errorResponse = null
    bound = false
    result = new Result()

    if (initial)
      return reconnect()

`,
  ],
  // After an error in the middle of rows, the result of the next statement would start with empty elements.
  [
    `    query = results = errorResponse = null
    result = new Result()
    connectTimer.cancel()
`,
    `    query = results = errorResponse = null
    result = new Result()
    rows = 0
    bound = false
    connectTimer.cancel()
`,
  ],
  // After ALTER TABLE the query rejects, and the next query prepares the statement again. The driver would send the
  // query
  // again while other queries are in flight, and would give the result of one statement to another.
  [
    '            ? retry(query, errorResponse)\n',
    '            ? (delete statements[query.signature], errored(errorResponse))\n',
  ],
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
  // A new connection runs the statement of the option `opening` before any other. When the statement fails with an error
  // that the option refuses, the connection ends, and the query that waits for it rejects.
  [
    '    , results = null\n    , initial = null\n',
    '    , results = null\n    , opening = null\n    , initial = null\n',
  ],
  [
    '      needsTypes = options.fetch_types\n      statementId',
    '      opening = options.opening && options.opening.statement()\n      needsTypes = options.fetch_types\n      statementId',
  ],
  [
    '  function ReadyForQuery(x) {\n    if (query) {\n',
    `  function ReadyForQuery(x) {
    if (opening === true) {
      opening = null
      if (errorResponse && options.opening.refuses(errorResponse)) {
        errored(errorResponse)
        query = results = errorResponse = null
        result = new Result()
        connectTimer.cancel()
        return terminate()
      }
      errorResponse = null
    }

    if (query) {
`,
  ],
  [
    '      if (needsTypes) {\n        initial.reserve',
    `      if (opening) {
        const text = opening
        opening = true
        return new Query([text], [], execute, null, { simple: true }).catch(() => {})
      }

      if (needsTypes) {
        initial.reserve`,
  ],
  // The option `meter` is told how long a query waited until it was the one that PostgreSQL runs in its session.
  ['        : (query = q, query.active = true)\n', '        : (query = q, query.active = true, started(q))\n'],
  ['(query.active = true, query.cancelled))\n', '(query.active = true, started(query), query.cancelled))\n'],
  [
    '  function toBuffer(q) {\n',
    `  function started(q) {
    connection.began = performance.now()
    connection.silentMs = connection.began - heard
    if (q.since === undefined) return
    options.meter.waited(performance.now() - q.since)
    q.since = undefined
  }

  function toBuffer(q) {
`,
  ],
  ['    queue: queues.closed,\n', '    queue: queues.closed,\n    get pipelined() { return sent.length },\n'],
  // The text of a statement has up to thirty parts, and some kilobytes. A connection joins it once: maps lead from part to part, and
  // from the type of each parameter to the next part, to the text. A statement with names or lists of parts is joined at each call.
  ['import { stringify, handleValue,', 'import { stringify, handleValue, Builder, Identifier,'],
  ['    , statements = {}\n', '    , statements = {}\n    , texts = new Map()\n    , textParts = 0\n'],
  [
    `    const string = stringify(q, q.strings[0], q.args[0], parameters, types, options)

`,
    `    const { string, signature } = textOf(q, parameters, types)

`,
  ],
  ['q.signature = q.prepare && types + string\n', 'q.signature = q.prepare && (signature || types + string)\n'],
  [
    '  function build(q) {\n',
    `  function textOf(q, parameters, types) {
    if (textParts > ${mostTextParts}) {
      texts = new Map()
      textParts = 0
    }
    const end = q.tagged && endOf(q, texts, parameters, types)
    if (!end) {
      parameters.length = types.length = 0
      return { string: stringify(q, q.strings[0], q.args[0], parameters, types, options) }
    }
    if (end.string === undefined) {
      end.string = stringify(q, q.strings[0], q.args[0], [], [], options)
      end.signature = types + end.string
    }
    return end
  }

  function endOf(q, from, parameters, types) {
    let at = nextOf(from, q.tagged ? q.strings : q.strings[0])
    if (!q.tagged) return at
    for (const x of q.args) {
      if (x instanceof Builder || x instanceof Identifier || x && x[0] instanceof Query) return undefined
      at = x instanceof Query
        ? endOf(x, at, parameters, types)
        : (handleValue(x, parameters, types, options), nextOf(at, types[types.length - 1]))
      if (!at) return undefined
    }
    return at
  }

  function nextOf(from, part) {
    const known = from.get(part)
    if (known) return known
    const made = new Map()
    from.set(part, made)
    textParts++
    return made
  }

  function build(q) {
`,
  ],
  // The query that waits for the connection rejects by itself, so this rejection must not be unhandled.
  ['return fetchArrayTypes()\n', 'return fetchArrayTypes().catch(() => {})\n'],
  ['    query.execute()\n  }\n', '    query.catch(() => {})\n  }\n'],
]

const pool: Patch[] = [
  [
    '    socket          : o.socket,\n',
    '    socket          : o.socket,\n    opening         : o.opening,\n    meter           : o.meter,\n',
  ],
  // The option `meter` reads how the connections are used, and each query knows when it was handed over. A pool for
  // subscriptions to logical replication, which the driver makes beside each pool, is never used here.
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
  [
    '  function handler(query) {\n    if (ending)\n',
    '  function handler(query) {\n    if (options.meter)\n      query.since = performance.now()\n\n    if (ending)\n',
  ],
  // Where all connections are busy, a statement is sent behind statements of other callers only where the first of these began a
  // moment ago, in a session that was heard just before; else it waits for the first connection that is free. The driver would send it
  // behind a statement that has waited for a lock for seconds. A second write to a session that has ended fails, and then nothing that
  // the session has sent can be read. The embedded database has one connection, so that no other one becomes free.
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
  // A query that waits for a free connection when the pool is closed has not been sent.
  [`queries.shift().reject(${connectionDestroyed})`, `queries.shift().reject(${unsent(connectionDestroyed)})`],
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
]

// Each part of a statement is a query too, which nobody awaits. A query makes its promise when somebody awaits it, or when it ends:
// V8 keeps the promises of all parts, and the texts to which they lead, until it collects the whole heap.
const query: Patch[] = [
  ['export class Query extends Promise {', 'export class Query {'],
  [
    `    let resolve
      , reject

    super((a, b) => {
      resolve = a
      reject = b
    })

`,
    '    this.promise = null\n',
  ],
  [
    `    this.resolve = x => (this.active = false, resolve(x))
    this.reject = x => (this.active = false, reject(x))

    this.active = false
    this.cancelled = null
`,
    `    this.active = false
    this.cancelled = null
`,
  ],
  [
    '  cancel() {\n',
    `  settling() {
    return this.promise || (this.promise = new Promise((a, b) => {
      this.fulfil = a
      this.fail = b
    }))
  }

  resolve(x) {
    this.active = false
    this.settling()
    this.fulfil(x)
  }

  reject(x) {
    this.active = false
    this.settling()
    this.fail(x)
  }

  cancel() {
`,
  ],
  ...['then', 'catch', 'finally'].map(
    (method): Patch => [`super.${method}.apply(this, arguments)`, `this.settling().${method}(...arguments)`],
  ),
]

/** The patches of each source file of the driver, by file name. */
export const patches: Record<string, Patch[]> = { 'connection.js': connection, 'index.js': pool, 'query.js': query }
