import type { Scoped } from '../endpoint.ts'

/** Changes of many jobs are not served to callers with a scope. */
export const refusedChange: Scoped = {
  refused: 'a change of many jobs may end jobs of other domains that depend on them',
}

/** Records are not served to callers with a scope. */
export const refusedRecord: Scoped = { refused: 'the records of changes are one chain over all domains' }
