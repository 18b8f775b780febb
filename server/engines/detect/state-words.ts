import { plainName } from '../../database/queue-like/words.ts'
import type { MappedState } from '../mapped/map.ts'

/** The words that states have in tables of others, as `plainName` writes them. The first word of a state is the usual one. */
const words: readonly (readonly [MappedState, string])[] = [
  [
    'queued',
    'queued pending new ready waiting wait scheduled created enqueued available todo open retry retrying retryable delayed init initial submitted received unprocessed idle notstarted planned',
  ],
  [
    'processing',
    'processing running active started inprogress working executing locked reserved claimed picked busy sending leased acquired taken doing aborting',
  ],
  ['completed', 'completed complete done finished success succeeded successful sent processed delivered ok'],
  [
    'failed',
    'failed failure fail error errored dead discarded exhausted crashed timedout timeout bounced undeliverable gaveup givenup',
  ],
  ['cancelled', 'cancelled canceled aborted revoked'],
  ['quarantined', 'quarantined poisoned poison'],
]

const known = words.map(([state, text]) => [state, text.split(' ')] as const)

/** The state that a word of somebody means; undefined for a word of which nobody can be sure, such as `paused`. */
export const stateOfWord = (word: string): MappedState | undefined =>
  known.find(([, all]) => all.includes(plainName(word)))?.[0]

/** The place of a word among those of its state: the usual ones come first. */
export function rankOfWord(word: string): number {
  const plain = plainName(word)
  const at = known.flatMap(([, all]) => all.flatMap((one, place) => (one === plain ? [place] : [])))
  return at[0] ?? 1000
}
