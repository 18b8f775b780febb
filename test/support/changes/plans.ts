import * as z from 'zod'
import { createToken } from '../../../server/auth/tokens.ts'
import type { Pool } from '../../../server/database/sql.ts'
import type { Grant } from '../../../shared/access/rights.ts'
import { WholePlan } from '../../../shared/plans/plans.ts'
import { bearer } from '../access/tokens.ts'

/** People who plan, approve and apply: the headers of their calls. */
export type People = Record<'ann' | 'ben' | 'zoe' | 'boss' | 'annAgain' | 'glass', Record<string, string>>

/**
 * ann is an operator who may edit, with a second token that may approve; ben is an operator who may approve; zoe an operator who may
 * not; boss an admin; glass is of ann, and may go past an approval.
 */
export async function makePeople(sql: Pool): Promise<People> {
  const make = async (principal: string, grant: Partial<Grant> = {}) => {
    const whole = { role: 'operator', may_enqueue: false, principal, madeBy: 'jobs-server', ...grant }
    return bearer((await createToken(sql, { name: principal, grant: whole, days: 1 })).token)
  }
  return {
    ann: await make('ann', { may_edit: true }),
    annAgain: await make('ann', { approver: true }),
    ben: await make('ben', { approver: true }),
    zoe: await make('zoe'),
    boss: await make('boss', { role: 'admin' }),
    glass: await make('ann', { may_break_glass: true }),
  }
}

export const planPath = '/api/v1/jobs/plans'

const Whole = z.object({ status: z.number(), body: WholePlan })

/** The plan of an answer. @throws what was answered in its place */
export const planOf = (answer: { status: number; body: unknown }): WholePlan => {
  const read = Whole.safeParse(answer)
  if (read.success) return read.data.body
  throw new Error(JSON.stringify(answer))
}
