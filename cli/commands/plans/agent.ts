import type { Plan, WholePlan } from '../../../shared/plans/plans.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'

/** Who made a plan: `mender, an agent of ann, with desk-client 1.2`, or the principal of a person. */
export function authorText({ agent, author, author_principal }: Plan): string {
  if (!agent) return author_principal ?? author
  const who = agent.name === null ? `an agent (${author})` : `${agent.name}, an agent of ${agent.of}`
  return agent.client === null ? who : `${who}, with ${agent.client}`
}

/**
 * Says of the plan of an agent who proposed it, and what the agent asked before it, as the server saw it. The reason and the names are text of
 * the agent.
 */
export function tellEvidence({ print }: Pick<Context, 'print'>, plan: WholePlan): void {
  const { id, agent, evidence = [], reason } = plan
  if (!agent) return
  print.aside(`Plan ${id} was proposed by ${escaped(authorText(plan))}, which says: ${escaped(JSON.stringify(reason))}`)
  print.aside(
    evidence.length === 0 ? 'It asked nothing before that the server has kept.' : 'It asked before, the last first:',
  )
  for (const { at, tool, filter, rows, failed } of evidence)
    print.aside(
      `  ${isoTime(at)}  ${escaped(tool)} ${escaped(filter)}  ${failed === null ? `${groupedDigits(rows)} rows` : escaped(failed)}`,
    )
}
