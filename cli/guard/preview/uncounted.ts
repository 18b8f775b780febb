import { Failure } from '../../../shared/errors.ts'
import type { Previewed } from '../change.ts'

type Counted = Pick<Previewed<never>, 'complete' | 'counts'>

export const notCounted = 'the server stopped counting before the end, since it takes too long'

/**
 * The limit of a change whose jobs were not counted to the end must be spelled out, and is the limit of one call.
 * @throws Failure `preview_incomplete`
 */
export function refuseUnbounded({ complete, counts }: Counted, max: number | undefined): void {
  if (complete) return
  if (counts.length > 1)
    throw new Failure('preview_incomplete', `${notCounted}; nothing was changed`, {
      hint: 'narrow the scope to one domain',
    })
  if (max !== undefined) return
  throw new Failure('preview_incomplete', `${notCounted}, and no limit is given; nothing was changed`, {
    hint: 'narrow the scope, or add --max, the most jobs that may be changed',
  })
}

/**
 * Refuses what needs the count of all jobs.
 * @throws Failure `preview_incomplete`
 */
export function refuseUncounted({ complete }: Pick<Counted, 'complete'>, flag: string): void {
  if (complete) return
  throw new Failure(
    'preview_incomplete',
    `${flag} needs the count of all jobs, and ${notCounted}; nothing was changed`,
    {
      hint: 'narrow the scope',
    },
  )
}
