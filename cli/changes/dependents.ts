import type { JobId } from '../../shared/work/job-key.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'

interface Along {
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
}

/** The facts and the note on jobs that a change has changed along; nothing before it is made. */
export function dependentsBeside({ dependents = 0, dependents_elsewhere: elsewhere = 0 }: Along, done = 'cancelled') {
  const jobs = dependents + elsewhere
  const outside = elsewhere === 0 ? '' : `, ${groupedDigits(elsewhere)} of them outside of the scope of the token`
  const were = jobs === 1 ? 'job that depends on them was' : 'jobs that depend on them were'
  return {
    facts: { ...(jobs > 0 && { dependents }), ...(elsewhere > 0 && { dependents_elsewhere: elsewhere }) },
    note: jobs === 0 ? undefined : `note: ${groupedDigits(jobs)} ${were} ${done} along${outside}`,
  }
}

/** Several notes of one answer, a line each. */
export const joinedNotes = (notes: readonly (string | undefined)[]): string | undefined => {
  const said = notes.filter((note) => note !== undefined)
  return said.length === 0 ? undefined : said.join('\n')
}

/** The facts and the note on jobs that came back with the jobs of a change. */
export function broughtBackBeside({ dependents = 0 }: { dependents?: number | undefined }) {
  const note = `note: ${jobsText(dependents)} that had been cancelled because of them came back, too`
  return { facts: dependents > 0 ? { dependents } : {}, note: dependents > 0 ? note : undefined }
}

interface Refusing {
  refused_count?: number | undefined
  refused?: readonly { job_id: JobId; reason: string }[] | undefined
}

interface RunAgain extends Refusing, Pick<Along, 'dependents'> {}

/** The facts and the note on jobs that their engine did not let a change take. */
export const besideRefused =
  (done: string) =>
  ({ refused_count = 0, refused = [] }: Refusing) => {
    if (refused_count === 0) return { facts: {}, note: undefined }
    const [first] = refused
    const named = first ? `, such as ${first.job_id}: ${first.reason}` : ''
    const note = `note: ${jobsText(refused_count)} not ${done}${named}; --json lists them`
    return { facts: { refused_count, refused }, note }
  }

/** The same for a retry, with the jobs that came back with its jobs. */
export function besideRetry(answer: RunAgain) {
  const { facts, note } = broughtBackBeside(answer)
  const stays = besideRefused('retried')(answer)
  return { facts: { ...facts, ...stays.facts }, note: joinedNotes([note, stays.note]) }
}

/** The facts and the note on jobs that match and that a hold keeps. */
export const besideHeld = ({ kept_by_hold: held = 0 }: { kept_by_hold?: number | undefined }) =>
  held === 0
    ? { facts: {}, note: undefined }
    : {
        facts: { kept_by_hold: held },
        note: `note: ${jobsText(held)} ${held === 1 ? 'stays, since a hold keeps it' : 'stay, since a hold keeps them'}`,
      }
