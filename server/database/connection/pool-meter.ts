/** How the connections of a pool are used at one moment. */
export interface PoolUse {
  /** Connections that run statements or transactions, or are being opened. */
  busy: number
  /** Open connections that do nothing. */
  idle: number
  /** Connections that are not open, and are opened when they are needed. */
  closed: number
  /** Statements that wait for a connection, or behind another statement of their connection. */
  waiting: number
}

/** Learns from the driver how its connections are used. */
export interface PoolMeter {
  /** Called once for each pool; `read` reads how its connections are used now. */
  watch: (read: () => PoolUse) => void
  /** Called when PostgreSQL begins with a statement or a transaction, with the milliseconds that it waited for a connection. */
  waited: (ms: number) => void
}
