/** A text that a source file of the driver contains exactly once, and its replacement. */
export type Replacement = [original: string, replacement: string]

/** The source files: `connection.js` has one connection, `index.js` the pool, and `query.js` a statement and its result. */
type DriverFile = 'connection.js' | 'index.js' | 'query.js'

/** A change of the driver for one reason. A test in `test/driver/` passes with the patch and fails without it. */
export interface Patch {
  name: string
  /** The patch that has added what this one changes. */
  needs?: Patch
  changes: Partial<Record<DriverFile, Replacement[]>>
}

export const connectionClosed = "Errors.connection('CONNECTION_CLOSED', options)"
export const connectionDestroyed = "Errors.connection('CONNECTION_DESTROYED', options)"

/** Marks an error of a query that PostgreSQL cannot have run: it was not written to the socket, or the session ended before it. */
export const unsent = (error: string): string => `Object.assign(${error}, { unsent: true })`
