import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'

export const approve = command(
  'approve',
  'approve a plan of another principal',
  'Shows the plan, and approves what it shows: had the plan become another one, the server would refuse. It takes a token with --approver, or an admin, of another principal than the author. Its author or its approver applies it.',
)

export const reject = command(
  'reject',
  'reject a plan',
  'Shows the plan, and rejects it for good. It takes a token with --approver, or an admin; authors reject plans of their own without.',
)

function command(name: 'approve' | 'reject', summary: string, about: string): CommandSpec {
  return {
    name,
    group: 'ADMIN',
    summary,
    about,
    examples: [`jobsctl ${name} 12`, `jobsctl ${name} 12 --reason "agreed with the team"`],
    operands: '<plan>',
    flags: [],
    async run(context, _flags, [given, ...more]) {
      if (more.length > 0)
        throw new Failure('usage', `${name}: one plan at a time; nothing was changed`, { hint: `jobsctl ${name} 12` })
      const { decidePlan, planId } = await import('./plans/decide.ts')
      return decidePlan(context, planId(context, name, given), name)
    },
  }
}
