const metricsOff = 'metrics are off: JOBS_METRICS=on or JOBS_METRICS_TOKEN turns them on'

/**
 * Paths that this server does not have, each with the sentence of its 404: those of the other server on the same tables, and those
 * of metrics while they are off.
 */
export const absentPaths: ReadonlyMap<string, string> = new Map([
  [
    '/api/v1/jobs/crypto/rotate',
    'this server does not rotate keys: it has none, and stores payloads and results as they are sent; nothing was changed',
  ],
  ['/metrics', metricsOff],
  ['/metrics/jobs', metricsOff],
])
