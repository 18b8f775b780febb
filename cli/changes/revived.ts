import { jobsText } from '../text/numbers.ts'

/** The facts and the note on jobs that came back with the jobs of a change. */
export function revivedBeside({ dependents = 0 }: { dependents?: number | undefined }) {
  const note = `note: ${jobsText(dependents)} that had been cancelled because of them came back, too`
  return { facts: dependents > 0 ? { dependents } : {}, note: dependents > 0 ? note : undefined }
}
