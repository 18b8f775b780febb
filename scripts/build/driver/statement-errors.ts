import type { DriverPatches } from './patch.ts'

/** An error of one statement changes no result of another one. */
export const statementErrors: DriverPatches = {
  'connection.js': [
    // A right that is missing is told with the role that lacks it.
    [
      '      errorResponse = Errors.postgres(parseError(x))\n',
      '      errorResponse = Object.assign(Errors.postgres(parseError(x)), { role: user })\n',
    ],
    // After an error in the middle of rows, the result of the next statement would start with empty elements.
    [
      '    result = new Result()\n    connectTimer.cancel()\n',
      '    result = new Result()\n    rows = 0\n    connectTimer.cancel()\n',
    ],
    // After ALTER TABLE the query rejects, and the next query prepares the statement again. The driver would send the query
    // again while other queries are in flight, and would give the result of one statement to another.
    [
      '            ? retry(query, errorResponse)\n',
      '            ? (delete statements[query.signature], errored(errorResponse))\n',
    ],
  ],
}
