import type { Verb } from '../../shared/engine/verbs.ts'

/** What an engine cannot, as a clause, and what to do instead. */
export interface Cannot {
  readonly cannot: string
  readonly instead: string
}

/** What an engine can: an adapter without a line for a verb does not compile. */
export type Can = Readonly<Record<Verb, true | Cannot>>
