import { durationText, seconds } from '../../text/duration.ts'
import { type Flag, flagsIn } from './flag.ts'

export interface RunAgainFlags {
  spread?: string
  dependents?: boolean
}

/** The flags of changes that make jobs run again. */
export const runAgainFlags: readonly Flag[] = [
  ...flagsIn('HOW', {
    '--spread <duration>': 'spread the jobs over this time, not all at once',
    '--no-dependents': 'leave the jobs that were cancelled because of them',
  }),
]

/**
 * The fields of the request, and the words of the command line.
 * @throws Failure `usage`
 */
export function runAgainOf({ spread, dependents = true }: RunAgainFlags) {
  const spread_seconds = spread === undefined ? undefined : seconds(spread, '--spread')
  return {
    fields: {
      ...(spread_seconds !== undefined && { spread_seconds }),
      ...(!dependents && { with_dependents: false }),
    },
    words: [
      ...(spread_seconds === undefined ? [] : ['--spread', durationText(spread_seconds)]),
      ...(dependents ? [] : ['--no-dependents']),
    ],
  }
}
