import { signal } from '@preact/signals'
import { engines } from '../state/engine.ts'
import { base } from '../state/page.ts'
import { type Caller, caller, profile, signedOut, ways } from '../state/session.ts'
import { call, confirmed, endSessionBy } from './call.ts'
import { askedAgain, isPassing, Problem, problemOf } from './problem.ts'

/** Why it is not known who is logged in. */
export const sessionProblem = signal<Problem | undefined>(undefined)

/** Finds out who is logged in. Where the server does not say, a session may go on: no login is shown in its place. */
export const restoreSession = (): Promise<void> =>
  call('showSession').then(
    (session) => {
      ways.value = session.ways
      profile.value = session.profile
      return entered(session.caller)
    },
    (error: unknown) => {
      const problem = problemOf(error)
      sessionProblem.value = isPassing(problem) ? askedAgain(problem) : problem
      clearTimeout(asksAgain)
      if (isPassing(problem)) asksAgain = setTimeout(restoreSession, askAgainMs)
    },
  )

/** How long the page waits before it asks again who is logged in, in milliseconds. */
const askAgainMs = 2000
let asksAgain: ReturnType<typeof setTimeout> | undefined

/** All tabs have one session: what one does to it the others look at. */
const tabs = new BroadcastChannel(`jobsctl ${base}`)
tabs.addEventListener('message', ({ data }) => {
  if (data === 'leaving') return holdReads()
  hasLeft?.(data === 'out')
  if (data === 'stays') return
  // The session is over, whether or not the server can say so to this tab.
  if (data === 'out') signedOut()
  restoreSession()
})

/** Told whether the log out of another tab, which this one waits for, has ended the session. */
let hasLeft: ((isOut: boolean) => void) | undefined

/** For how long reads wait for the log out of another tab, in milliseconds: it may be gone. */
const leavingMs = 10_000

/** Has the reads of this tab wait while another one logs out: the browser notes a read that is refused as an error. */
function holdReads(): void {
  const left = new Promise<boolean>((resolve) => {
    hasLeft = resolve
    setTimeout(resolve, leavingMs, false)
  })
  endSessionBy(async () => {
    if (!(await left)) throw new Problem({ detail: 'The session goes on.' }, 0)
  }).catch(() => {})
}

/**
 * Logs in by a key or a token, which is sent once and kept nowhere.
 * @throws Problem for a wrong key, and why the server takes no login
 */
export const logIn = async (key: string): Promise<void> => {
  await entered(await call('openSession', { key }, { headers: confirmed }))
  tabs.postMessage('in')
}

/**
 * Ends the session on the server. The login is shown only when it has ended: until then a reload is logged in again.
 * @throws Problem why it may go on
 */
export const logOut = async (): Promise<void> => {
  tabs.postMessage('leaving')
  await endSessionBy(() => call('endSession', {}, { headers: confirmed }).then(signedOut)).catch((error: unknown) => {
    // The server does not know the session any more.
    if (problemOf(error).status === 401) return
    tabs.postMessage('stays')
    throw error
  })
  tabs.postMessage('out')
}

/** How often the page asks what can be done with the jobs: an engine that migrates its tables closes changes. */
const askEveryMs = 60_000
let asking: ReturnType<typeof setInterval> | undefined

/** Shows the screens of a caller, once it is known what can be done with the jobs; without an answer, everything is offered. */
async function entered(who: Caller | null): Promise<void> {
  sessionProblem.value = undefined
  const served = who?.may.includes('read') ? await call('showEngine').catch(() => undefined) : undefined
  engines.value = served?.engines ?? []
  caller.value = who
  clearInterval(asking)
  if (!who?.may.includes('read')) return
  asking = setInterval(() => {
    if (document.hidden) return
    call('showEngine').then(
      (now) => {
        engines.value = now.engines
      },
      () => {},
    )
  }, askEveryMs)
}
