import type { Promised } from '../promised.ts'
import type { Round } from './round.ts'

/** One kind of trouble of the embedded database. */
export interface Case {
  name: string
  promised: readonly Promised[]
  /** Why the case cannot run on this machine; undefined when it can. */
  missing?: () => string | undefined
  /** The ways in which the trouble comes. They take turns. Each returns what came, in a few words. */
  ways: readonly Way[]
}

export interface Way {
  name: string
  /** Why this way cannot be gone on this machine; undefined when it can. */
  missing?: () => string | undefined
  run: (round: Round) => Promise<string>
}

/** Sentences of the page on the embedded database. */
export const promises = (...sentences: string[]): Promised[] =>
  sentences.map((sentence) => ({ page: 'docs/deploy/embedded.md', sentence }))
