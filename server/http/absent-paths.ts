/** Paths of the other server on the same tables that this server does not have, each with the sentence of its 404. */
export const absentPaths: ReadonlyMap<string, string> = new Map([
  [
    '/api/v1/jobs/crypto/rotate',
    'this server does not rotate keys: it has none, and stores payloads and results as they are sent; nothing was changed',
  ],
])
