import { hashed } from './secrets.ts'

const prefix = 'oidc:'
/** As long as the name of a principal may be. */
const longest = 128

/** True for the id of a caller who is known by single sign-on, and not by a token. */
export const isSingleSignOn = (id: string): boolean => id.startsWith(prefix)

/**
 * The id of a caller of single sign-on, which is also its principal: `oidc:ann@idp.example/realm`. It is the same for the same issuer and
 * subject, and for no others: an issuer has no `@`.
 */
export function singleSignOnId(issuer: string, subject: string): string {
  const place = issuer.replace(/^https?:\/\//, '')
  const readable = `${prefix}${subject}@${place}`
  if ([...readable].length <= longest && /^[\x21-\x7e]+$/.test(subject)) return readable
  return `${prefix}#${hashed(JSON.stringify([issuer, subject]))}`
}

/** The id in leases of the jobs that a caller of single sign-on has taken. */
export const leaseOwnerOf = (id: string): string => hashed(id).slice(0, 12)
