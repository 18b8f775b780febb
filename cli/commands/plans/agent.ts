import { escaped } from '../../../shared/escape.ts'
import type { Plan, WholePlan } from '../../../shared/plans/plans.ts'
import type { Context } from '../../context.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'

/** Who made a plan: `mender, an agent of ann, with claude 1.2`, or the principal of a person. */
export function authorText({ agent, author, author_principal }: Plan): string {
  if (!agent) return author_principal ?? author
  const who = agent.name === null ? `an agent (${author})` : `${agent.name}, an agent of ${agent.of}`
  return agent.client === null ? who : `${who}, with ${agent.client}`
}

/**
 * Says of the plan of an agent what the agent asked before it, as the server saw it. What an agent asked and named is not to be believed: it is
 * shown as text.
 */
export function tellEvidence({ print }: Pick<Context, 'print'>, { id, agent, evidence = [] }: WholePlan): void {
  if (!agent) return
  const asked = evidence.length === 0 ? 'nothing that the server has kept.' : 'the last first:'
  print.aside(`Before plan ${id} the agent asked ${asked}`)
  for (const { at, tool, filter, rows, failed } of evidence)
    print.aside(
      `  ${isoTime(at)}  ${escaped(tool)} ${escaped(filter)}  ${failed === null ? `${groupedDigits(rows)} rows` : escaped(failed)}`,
    )
}
