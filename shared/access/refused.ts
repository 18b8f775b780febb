import type { Scoped } from '../endpoint.ts'

/** The seals of records are not told to callers with a scope, record by record or as a whole. */
export const refusedChain: Scoped = { refused: 'the seals of all records are one chain over all domains' }
