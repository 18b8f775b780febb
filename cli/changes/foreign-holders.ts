import type { Preview } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { groupedDigits } from '../text/numbers.ts'

type Previewed = Pick<Preview, 'foreign_holders'> | undefined

/** `public.orders refers to job 5`, `public.orders refers to 12 jobs, such as job 5` */
const textsOf = (preview: Previewed): string[] =>
  (preview?.foreign_holders ?? []).map(({ table, jobs, job_id }) => {
    const which = jobs === 1 ? `job ${job_id}` : `${groupedDigits(jobs)} jobs, such as job ${job_id}`
    return `${escaped(table)} refers to ${which}`
  })

/** Which jobs rows of other tables keep from a prune; undefined where they keep none, or the server does not say. */
export function holdersNote(preview: Previewed, { passesOver }: { passesOver: boolean }): string | undefined {
  const texts = textsOf(preview)
  if (texts.length === 0) return undefined
  return `${passesOver ? 'passed over' : 'foreign keys forbid it for some'}: ${texts.join(', ')}`
}

/** How many jobs a prune has passed over. */
export const passedOverNote = (jobs: number | undefined): string | undefined =>
  jobs
    ? `${groupedDigits(jobs)} ${jobs === 1 ? 'job stays' : 'jobs stay'}, since rows of other tables refer to ${jobs === 1 ? 'it' : 'them'}`
    : undefined

/** The refusal of a prune of jobs that rows of other tables keep. */
export function holdersRefusal(preview: Previewed, goAhead: string): Failure | undefined {
  const texts = textsOf(preview)
  if (texts.length === 0) return undefined
  return new Failure(
    'conflict',
    `foreign keys of other tables forbid that some of the jobs are deleted: ${texts.join('; ')}; nothing was changed`,
    { hint: `to leave these jobs out: ${goAhead}` },
  )
}
