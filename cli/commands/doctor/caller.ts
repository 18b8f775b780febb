import type { z } from 'zod'
import type { showCaller } from '../../../shared/access/caller.ts'
import { limitsText } from '../../../shared/access/limits.ts'
import { limitText } from '../../../shared/access/token-scope.ts'
import type { Finding } from '../../../shared/doctor/findings/finding.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { jobsText } from '../../text/numbers.ts'

type Caller = z.output<typeof showCaller.output>

/** Who the caller is and what it may do; a hint where tokens may do everything because nobody has given them a role. */
export function findingOfCaller(caller: Caller): Finding {
  const { id, name, role, principal, scope, limits, approval_above, may, without_role = 0, editors } = caller
  const owner = principal === name ? '' : `, for ${escaped(principal)}`
  const names = may.length === 0 ? 'nothing on this version of the server' : may.map(escaped).join(', ')
  const limit = scope ? `; limited to ${escaped(limitText(scope))}` : ''
  const used = limits
    ? `; ${limitsText(limits)}, of which ${jobsText(limits.changed_today)} were changed in 24 hours`
    : ''
  const approval =
    typeof approval_above === 'number' ? `; a change of more than ${jobsText(approval_above)} needs an approval` : ''
  const detail = `${escaped(name)} (${escaped(role)}${owner}) has the rights: ${names}${limit}${used}${approval}${editorsText(editors)}`
  if (role === 'legacy-admin')
    return { detail, hint: `this token has no role: jobs-server token set-role ${escaped(id)} operator` }
  if (without_role === 0) return { detail, hint: undefined }
  const tokens = without_role === 1 ? '1 live token has' : `${without_role} live tokens have`
  return {
    detail,
    hint: `${tokens} no role and may do everything: jobs-server token list shows them, token set-role gives one`,
  }
}

/** Who may change what a worker will do. */
function editorsText(editors: Caller['editors']): string {
  if (!editors) return ''
  if (editors.length === 0) return '; no token may edit payloads'
  return `; payloads may be edited by ${editors.map(({ name, role }) => `${escaped(name)} (${escaped(role)})`).join(', ')}`
}
