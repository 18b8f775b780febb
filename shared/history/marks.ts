import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, Integer, optional, queryNumber } from '../scope.ts'

const longest = 200

const MarkText = z
  .string('must be a text')
  .trim()
  .min(1, 'must not be blank')
  .refine((text) => [...text].length <= longest, `must be at most ${longest} characters`)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'must not contain control characters')

/** What an operator said about a moment, such as a deployment. */
export const Mark = z.object({
  id: Integer.describe('The id of the mark.'),
  text: z.string().describe('What happened, such as a deployment.'),
  at: Instant.describe('The moment that is marked.'),
  caller: z.string().describe('The id of the caller who made the mark.'),
})
export type Mark = z.output<typeof Mark>

export const addMark = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/marks',
  meaning: 'Marks this moment, such as a deployment, for the history. Only the newest 10,000 marks are kept.',
  needs: 'queues',
  scoped: { refused: 'marks are of the whole database' },
  verb: 'marks',
  input: z.strictObject({ text: MarkText.describe('what happened, 1 to 200 characters') }),
  output: Mark,
  changes: () => true,
  unconfirmed: true,
  // It says what happened, also during a freeze, and touches no job.
  whileFrozen: true,
  created: () => true,
})

export const listMarks = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/marks',
  meaning: 'The marks, the newest first.',
  needs: 'read',
  scoped: { refused: 'marks are of the whole database' },
  verb: 'marks',
  input: z.strictObject({
    text: optional(MarkText).describe('only marks with this very text'),
    limit: queryNumber(1, 1000, 100).describe('at most this many'),
  }),
  output: z.array(Mark),
  changes: () => false,
})
