import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'
import { ShownScope } from './token-scope.ts'

/** A session of a browser, and when it ends. */
export const Session = z.object({
  id: z.string().describe('Names the session in records; its cookie cannot be made from it.'),
  opened_at: Instant.describe('When the session was opened.'),
  ends_at: Instant.describe('When the session ends at the latest.'),
  idle_seconds: Count.describe('The session ends when no call has used it for so long.'),
  asked_again_at: Instant.describe('From then on, calls that need `govern` or `approve` need another login.'),
})
export type Session = z.output<typeof Session>

/** A live token that may edit payloads. */
export const Editor = z.object({
  id: z.string().describe('The id of the token.'),
  name: z.string().describe('The name of the token.'),
  role: z.string().describe('The role of the token.'),
  principal: z.string().describe('Whom the token is for.'),
})

export const CallerOutput = z.object({
  id: z.string().describe('The id of its token, or `single-user`. Records and events name the caller so.'),
  name: z.string().describe('The name of the caller: of its token, or as the provider of single sign-on has it.'),
  role: z.string().describe('The role of the caller, such as `operator`.'),
  principal: z.string().describe('Whom the token is for.'),
  scope: ShownScope.nullish().describe(
    'What its token is limited to; null for a caller that is not limited. Absent from servers of older versions.',
  ),
  limits: z
    .object({
      max_per_change: Count.nullable().describe(
        'The most jobs that one change of many jobs may touch; null limits nothing.',
      ),
      max_per_day: Count.nullable().describe(
        'The most jobs that all changes of its principal may touch in 24 hours; null limits nothing.',
      ),
      changed_today: Count.describe('How many jobs the tokens of its principal have changed in the last 24 hours.'),
    })
    .nullish()
    .describe(
      'The limits of its token to changes of many jobs, and how many jobs the tokens of its principal have changed in 24 hours; null without limits. Absent from servers of older versions.',
    ),
  approval_above: Count.nullish().describe(
    'A change of more jobs needs an approval; null while none does. Absent from servers of older versions.',
  ),
  may: z.array(z.string()).describe('The names of its rights.'),
  without_role: Count.optional().describe(
    'How many live tokens have all rights, since nobody has given them a role. Only callers that may list tokens get it.',
  ),
  editors: z
    .array(Editor)
    .optional()
    .describe(
      'The live tokens that may edit payloads, at most 20, to a caller that may list tokens. Servers up to 0.2.0 do not send it.',
    ),
  session: Session.optional().describe(
    'The session by which the caller calls; absent for a caller with a key or a token.',
  ),
})

/** Servers of version 0.1.0 do not have this call. */
export const showCaller = endpoint({
  method: 'GET',
  path: '/api/v1/caller',
  meaning: 'Who the caller is, its role, its scope, and the names of its rights.',
  needs: 'identity',
  scoped: 'same',
  verb: 'always',
  forPrograms: true,
  input: z.strictObject({}),
  output: CallerOutput,
  changes: () => false,
})
