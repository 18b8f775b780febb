import type { Patch } from './patch.ts'

/** An error has the role of the session: a right that is missing is told with the role that lacks it. */
export const roleOfErrors: Patch = {
  name: 'roleOfErrors',
  changes: {
    'connection.js': [
      [
        '      errorResponse = Errors.postgres(parseError(x))\n',
        '      errorResponse = Object.assign(Errors.postgres(parseError(x)), { role: user })\n',
      ],
    ],
  },
}

/** After an error in the middle of rows, the result of the next statement has its own rows alone. In the driver it has empty elements. */
export const rowsAfterErrors: Patch = {
  name: 'rowsAfterErrors',
  changes: {
    'connection.js': [
      [
        '    query = results = errorResponse = null\n    result = new Result()\n',
        '    query = results = errorResponse = null\n    rows = 0\n    result = new Result()\n',
      ],
    ],
  },
}

/**
 * After ALTER TABLE the query rejects, and the next query prepares the statement again. The driver sends the query again while other
 * queries are in flight, and gives the result of one statement to another.
 */
export const alteredTables: Patch = {
  name: 'alteredTables',
  changes: {
    'connection.js': [
      [
        '            ? retry(query, errorResponse)\n',
        '            ? (delete statements[query.signature], errored(errorResponse))\n',
      ],
    ],
  },
}

/**
 * A new connection ends when recovery of a replica, or somebody, has cancelled its question for the types of arrays. In the driver it stays, and
 * sends lists as no arrays for as long as it lives.
 */
export const cancelledTypes: Patch = {
  name: 'cancelledTypes',
  changes: {
    'connection.js': [
      ['    , needsTypes = options.fetch_types\n', '    , needsTypes = options.fetch_types\n    , asksTypes = false\n'],
      [
        '      needsTypes = options.fetch_types\n      statementId',
        '      asksTypes = false\n      needsTypes = options.fetch_types\n      statementId',
      ],
      ['    needsTypes = false\n    const types', '    needsTypes = false\n    asksTypes = true\n    const types'],
      [
        '    } else if (errorResponse) {\n      errored(errorResponse)\n    }\n',
        `    } else if (errorResponse) {
      errored(errorResponse)
    }

    if (asksTypes) {
      asksTypes = false
      if (errorResponse && ['40001', '57014'].includes(errorResponse.code)) {
        query = results = errorResponse = null
        result = new Result()
        connectTimer.cancel()
        return terminate()
      }
    }
`,
      ],
    ],
  },
}
