import type { Promised } from '../../trouble/scenario.ts'

/** Sentences of the page on the embedded database. */
export const promises = (...sentences: string[]): Promised[] =>
  sentences.map((sentence) => ({ page: 'docs/deploy/embedded.md', sentence }))
