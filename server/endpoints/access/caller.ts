import type { z } from 'zod'
import type { showCaller as endpoint } from '../../../shared/access/caller.ts'
import { allRights } from '../../../shared/access/rights.ts'
import { countWithoutRole } from '../../auth/token-warnings.ts'
import type { Call } from '../../call.ts'

/** Who calls, and what it may do. */
export async function showCaller({
  sql,
  caller,
  identity: { name, role, principal },
  may,
  within,
}: Call): Promise<z.output<typeof endpoint.output>> {
  return {
    ...{ id: caller, name, role, principal, scope: within ?? null },
    may: allRights.filter((right) => may.has(right)),
    ...(may.has('read_tokens') && { without_role: await countWithoutRole(sql) }),
  }
}
