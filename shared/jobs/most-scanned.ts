/** The most jobs that a list reads for one page. A list of an engine by priority or status has as many that were made last. */
export const mostScanned = 50_000
