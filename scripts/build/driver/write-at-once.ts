import type { DriverPatches } from './patch.ts'

/**
 * A statement is written as soon as the code that sends it has run. The driver would wait for the end of this turn of the event loop,
 * in which the server reads other requests for a millisecond, while PostgreSQL has nothing to do.
 */
export const writeAtOnce: DriverPatches = {
  'connection.js': [
    [
      '    nextWriteTimer === null && (nextWriteTimer = setImmediate(nextWrite))\n',
      '    queueMicrotask(() => chunk && nextWrite())\n',
    ],
  ],
}
