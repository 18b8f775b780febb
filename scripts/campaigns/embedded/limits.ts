/** Settings of all servers of the campaign, in seconds. */
const statementSeconds = 20
const lockSeconds = 5
const shutdownSeconds = 5

/** What a busy machine may take beyond what is promised, in milliseconds. */
const slackMs = 30_000

export const settings = {
  JOBS_STATEMENT_TIMEOUT_SECONDS: String(statementSeconds),
  JOBS_LOCK_TIMEOUT_SECONDS: String(lockSeconds),
  JOBS_SHUTDOWN_SECONDS: String(shutdownSeconds),
}

/** The longest times in milliseconds that the product promises, with the slack. */
export const limits = {
  /** A call is answered after the limits of two statements and of a lock. */
  answer: 1000 * (2 * statementSeconds + lockSeconds) + slackMs,
  /** SIGTERM ends the server. */
  terminate: 1000 * (shutdownSeconds + 10) + slackMs,
  /** A server that cannot start ends. */
  refuse: slackMs,
  /** A database that is hung is found out, four openings fail, and the server ends. */
  giveUp: 1000 * (2 * statementSeconds + 15) + 4 * slackMs,
  /** The database is opened again: it may wait for up to 8 s between two tries. */
  recover: 1000 * (2 * statementSeconds + 8) + 2 * slackMs,
} as const
