import type { HttpBindings } from '@hono/node-server'

/** What a request carries on its way through the app. */
export interface RequestContext {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    caller: string
    /** For calls that last: whether the caller may still be answered. Throws Failure `unauthenticated`. */
    stillAllowed: () => Promise<void>
    changing: boolean
    rows: number
    /** Says that the call still goes on. */
    alive: (() => void) | undefined
  }
}
