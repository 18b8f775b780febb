import type { Person } from '../auth/secret-makers.ts'
import type { Actor } from '../bulk/record/act.ts'
import type { Acting, Requested } from '../call.ts'

/** What the record of an act needs of its call. */
export type ActingCall = Pick<Acting, 'caller'> & Pick<Requested, 'reason' | 'requestId' | 'address'>

/** The caller, as the record of its act names it. */
export const actorOf = ({ caller, reason, requestId, address }: ActingCall): Actor => ({
  caller,
  reason,
  requestId,
  address,
})

/** The caller, where it is compared with another. */
export const personOf = ({ caller, identity: { principal } }: Pick<Acting, 'caller' | 'identity'>): Person => ({
  caller,
  principal,
})
