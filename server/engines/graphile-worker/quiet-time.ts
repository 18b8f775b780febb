/**
 * For how many minutes a pool may be without a session that listens, after it has locked a job or lost its connections. It waits for up to a minute
 * between two tries to connect.
 */
export const quietMinutes = 5

/** How many seconds after the first lock of a pool its session that listens may begin: both connections are opened at once. */
export const startSeconds = 10
