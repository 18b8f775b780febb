import type { Patch } from './patch.ts'

/**
 * The option `dial` opens a connection, and gets how often this one was tried before. It resolves to a stream, which is closed with an
 * error where none could be opened. The driver itself knows neither the TLS modes of libpq nor a Unix socket among several hosts, and
 * looks for a host with the wanted attributes for ever.
 */
export const dialled: Patch = {
  name: 'dialled',
  changes: {
    'connection.js': [
      ['    , hostIndex = 0\n', '    , hostIndex = 0\n    , dials = 0\n    , dialsAgain = null\n'],
      [
        '        : new net.Socket()\n',
        '        : options.dial\n          ? await options.dial(dials++)\n          : new net.Socket()\n',
      ],
      [
        '    if (options.socket)\n      return ssl ? secure() : connected()\n',
        `    if (options.socket)
      return ssl ? secure() : connected()

    // A stream that is pending has failed, and says so by its events.
    if (options.dial)
      return terminated ? socket.destroy() : !socket.pending && connected()
`,
      ],
      [
        '          return terminate()\n      }\n\n      if (needsTypes)',
        `          return nextHost()
      }

      if (needsTypes)`,
      ],
      // The query that waits for the connection waits for the next host. To `terminate` would reject it.
      [
        '  function tryNext(x, xs) {\n',
        `  function nextHost() {
    if (dials >= options.hosts)
      errored(Object.assign(
        new Error('no host takes sessions that are ' + target_session_attrs + ' (target_session_attrs)'),
        { code: 'NO_SUCH_HOST' }
      ))
    dialsAgain = initial
    initial = null
    terminate()
  }

  function tryNext(x, xs) {
`,
      ],
      [
        '    if (initial)\n      return reconnect()\n',
        '    initial = initial || dialsAgain\n    dialsAgain = null\n    if (initial)\n      return reconnect()\n',
      ],
      ['      options.shared.retries = retries = 0\n', '      options.shared.retries = retries = dials = 0\n'],
    ],
    'index.js': [
      [
        '    socket          : o.socket,\n',
        '    socket          : o.socket,\n    dial            : o.dial,\n    hosts           : o.hosts,\n',
      ],
    ],
  },
}
