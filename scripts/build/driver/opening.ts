import type { Patch } from './patch.ts'

/**
 * The option `opening`, a statement that a new connection runs before any other. When the statement fails with an error that the
 * option refuses, the connection ends, and the query that waits for it rejects.
 */
export const opening: Patch = {
  name: 'opening',
  changes: {
    'connection.js': [
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
    ],
    'index.js': [
      ['    socket          : o.socket,\n', '    socket          : o.socket,\n    opening         : o.opening,\n'],
    ],
  },
}
