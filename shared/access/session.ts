import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, preset } from '../scope.ts'
import { CallerOutput, Session } from './caller.ts'

/** Who a session belongs to, and its terms. */
export const Opened = CallerOutput.extend({ session: Session.describe('The session that was opened.') })

/** Servers of earlier versions do not have the calls of sessions. */
export const openSession = endpoint({
  method: 'POST',
  path: '/api/v1/session',
  meaning:
    'Opens a session of a browser. The answer sets its cookie, and ends the session whose cookie the request had. The request must come from a page of the server, with `X-Confirm: true`.',
  needs: 'identity',
  scoped: 'same',
  verb: 'session',
  anonymous: true,
  input: z.strictObject({
    key: z
      .string('must be a text')
      .min(1, 'is needed')
      .max(4096, 'must be at most 4096 characters')
      .describe('the API key, or a token'),
  }),
  output: Opened,
  changes: () => true,
  whileFrozen: true,
  created: () => true,
})

export const showSession = endpoint({
  method: 'GET',
  path: '/api/v1/session',
  meaning:
    'Whose session the cookie of the request is, and the ways to log in: `key`, `token`, `single_sign_on`; `link` for a dashboard of `jobsctl ui`. Without credentials.',
  needs: 'identity',
  scoped: 'same',
  verb: 'session',
  anonymous: true,
  input: z.strictObject({}),
  output: z.object({
    ways: z
      .array(z.string())
      .describe('`key`, `token`, `single_sign_on` or `link`; a later version may have further ways.'),
    caller: Opened.nullable().describe('Null without a session.'),
    profile: z
      .string()
      .optional()
      .describe(
        'The profile for which `jobsctl ui` has opened the dashboard; absent elsewhere, and without a session.',
      ),
  }),
  changes: () => false,
})

export const endSession = endpoint({
  method: 'POST',
  path: '/api/v1/session/end',
  meaning:
    'Ends the session of the call, or with `everywhere` all sessions of its caller. Streams of these sessions end.',
  needs: 'identity',
  scoped: 'same',
  verb: 'session',
  input: z.strictObject({
    everywhere: preset(z.boolean('must be true or false'), false).describe(
      'all sessions of the caller, in every browser; else the one of the call',
    ),
  }),
  output: z.object({ ended: Count.describe('How many sessions were ended.') }),
  changes: () => true,
  unconfirmed: true,
  whileFrozen: true,
})
