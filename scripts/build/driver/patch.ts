/** A text that a source file of the driver contains exactly once, and its replacement. */
export type Patch = [original: string, replacement: string]

/** Patches by source file: `connection.js` has one connection, `index.js` the pool, and `query.js` a statement and its result. */
export type DriverPatches = Partial<Record<'connection.js' | 'index.js' | 'query.js', Patch[]>>

export const connectionClosed = "Errors.connection('CONNECTION_CLOSED', options)"
export const connectionDestroyed = "Errors.connection('CONNECTION_DESTROYED', options)"

/** Marks an error of a query that PostgreSQL cannot have run: it was not written to the socket, or the session ended before it. */
export const unsent = (error: string): string => `Object.assign(${error}, { unsent: true })`
