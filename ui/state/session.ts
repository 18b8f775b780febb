import { computed, signal } from '@preact/signals'
import type { z } from 'zod'
import type { showSession } from '../../shared/access/session.ts'

/** Who is logged in, with the terms of the session. */
export type Caller = NonNullable<z.output<typeof showSession.output>['caller']>

/** Who is logged in; `undefined` until it is known, `null` for nobody. */
export const caller = signal<Caller | null | undefined>(undefined)

/** The ways to log in: `key`, `token`, `single_sign_on`, `link`; empty until they are known. */
export const ways = signal<readonly string[]>([])

/** The profile for which `jobsctl ui` has opened this dashboard; undefined elsewhere. */
export const profile = signal<string | undefined>(undefined)

/** The version of another server that has answered this page; an update is going on, or is over. */
export const otherVersion = signal<string | undefined>(undefined)

/** What the caller may do, by the names of `shared/access/rights.ts`. */
const rights = computed(() => new Set(caller.value?.may ?? []))

/** True when the caller has a right; what it may not do, no screen offers. */
export const may = (right: string): boolean => rights.value.has(right)

/** True where plans are for this caller: in single-user mode nobody else could approve one. */
export const hasPlans = computed(() => {
  const who = caller.value
  return who !== null && who !== undefined && who.id !== 'single-user' && may('records')
})

/** The same for the number above which a change needs an approval, and for reviews, which are about all domains. */
export const hasApproval = computed(() => hasPlans.value && !caller.value?.scope)

/** What a sentence about what is not there ends with, where this caller sees a part of all: the other part may have it. */
export const thatYouSee = (): string => (caller.value?.scope ? ' that you may see' : '')

/** Takes note that the server does not know the session any more. The login is shown, and the address stays. */
export const signedOut = (): void => {
  caller.value = null
}

export const versionSeen = (version: string): void => {
  otherVersion.value = version
}
