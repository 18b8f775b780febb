import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, preset } from '../scope.ts'
import { CallerOutput, Session } from './caller.ts'

/** Who a session belongs to, and its terms. */
const Opened = CallerOutput.extend({ session: Session })

/**
 * Opens a session of a browser with a key or a token. The answer sets the cookie of the session, and ends the session whose cookie the
 * request had. Servers of earlier versions do not have the calls of sessions.
 */
export const openSession = endpoint({
  method: 'POST',
  path: '/api/v1/session',
  needs: 'identity',
  scoped: 'same',
  anonymous: true,
  input: z.strictObject({
    /** The API key, or a token. */
    key: z.string('must be a text').min(1, 'is needed').max(4096, 'must be at most 4096 characters'),
  }),
  output: Opened,
  changes: () => true,
  whileFrozen: true,
  created: () => true,
})

/** Whose session the cookie of the request is, and how a session is opened. */
export const showSession = endpoint({
  method: 'GET',
  path: '/api/v1/session',
  needs: 'identity',
  scoped: 'same',
  anonymous: true,
  input: z.strictObject({}),
  output: z.object({
    /** `key`, `token` or `single_sign_on`; a later version may have further ways. */
    ways: z.array(z.string()),
    /** Null without a session. */
    caller: Opened.nullable(),
  }),
  changes: () => false,
})

/** Ends the session of the call, or all sessions of its caller. */
export const endSession = endpoint({
  method: 'POST',
  path: '/api/v1/session/end',
  needs: 'identity',
  scoped: 'same',
  input: z.strictObject({
    /** All sessions of the caller, in every browser. */
    everywhere: preset(z.boolean('must be true or false'), false),
  }),
  /** `ended` is the number of sessions. */
  output: z.object({ ended: Count }),
  changes: () => true,
  unconfirmed: true,
  whileFrozen: true,
})
