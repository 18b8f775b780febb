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
