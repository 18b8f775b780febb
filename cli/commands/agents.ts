import { answerOf } from '../answer-of.ts'
import type { CommandSpec } from '../context.ts'

export const agents: CommandSpec = {
  name: 'agents',
  group: 'ADMIN',
  summary: 'programs that look and propose, and what they asked',
  about:
    'Lists the agents: whose each is, what it asked in the last day, and what became of its plans. An admin or an auditor may. jobs-server agents on and off decide whether agents may call at all; jobs-server token create mender --role agent --of ann makes a token for one.',
  examples: ['jobsctl agents', 'jobsctl agents --json', 'jobsctl plans --state waiting'],
  flags: [],
  rows: async () => (await import('./agents/columns.ts')).columns,
  async run(context) {
    const [{ columns, forPeople }, { listAgents }] = await Promise.all([
      import('./agents/columns.ts'),
      import('../../shared/access/agents.ts'),
    ])
    const answer = await answerOf(context, listAgents, {})
    if (!answer) return 'ok'
    const { on, agents: rows } = answer.body
    context.print.rows({ columns, forPeople, rows, json: answer.raw, empty: 'no agents' })
    if (!on)
      context.print.aside('Agents are off on this server. To turn them on, where it runs:  jobs-server agents on')
    return 'ok'
  },
}
