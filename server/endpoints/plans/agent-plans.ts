import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { Plan, WholePlan } from '../../../shared/plans/plans.ts'
import { callsBefore, lastClient } from '../../auth/agents/agent-calls.ts'
import { hashed } from '../../auth/secrets.ts'
import type { ProposedPlan } from '../../bulk/change/commission.ts'
import type { Acting, Call } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import { canonicalRequest } from './plannable.ts'

/** What is needed of the row of a plan. */
interface PlanOfAgent {
  id: number
  caller: string
  principal: string
  digest: string
  created_at: string
  /** As JSON; null for the plan of a person. */
  agent: unknown
}

/** The most plans of an agent that wait at the same time, that it makes in 24 hours, and its last calls that are shown with a plan. */
const mostWaiting = 3
const mostADay = 50
const mostEvidence = 20

/** The agent of a plan, as the database has it. */
const AgentOfPlan = z.object({
  name: z.string(),
  of: z.string(),
  session: z.string().nullable(),
  client: z.string().nullable(),
  /** A hash over what it asked for, by which the same change is known again. */
  asked: z.string(),
})
type AgentOfPlan = z.output<typeof AgentOfPlan>

/** The agent that made a plan; undefined for the plan of a person. What cannot be read is an agent of nobody, whose plan nobody applies. */
function agentOf({ agent }: Pick<PlanOfAgent, 'agent'>): AgentOfPlan | undefined {
  if (agent === null) return undefined
  const { data } = AgentOfPlan.safeParse(agent)
  return data ?? { name: '', of: '', session: null, client: null, asked: '' }
}

/** For whom a plan was made: the principal of its author, or the person of the agent that is its author. */
export const personOfPlan = (row: Pick<PlanOfAgent, 'agent' | 'principal'>): string => agentOf(row)?.of ?? row.principal

/** The agent of a plan that is made; undefined for a person. */
export async function agentAsking(
  { sql, caller: id, identity: { agent } }: Call,
  planned: { path: string; request: Readonly<Record<string, unknown>> },
): Promise<AgentOfPlan | undefined> {
  if (!agent) return undefined
  const { name, of, session = null } = agent
  const client = (await lastClient(sql, { id, agent })) ?? null
  return { name, of, session, client, asked: hashed(canonicalRequest(planned)) }
}

/**
 * Refuses a further plan of an agent. The table of plans is locked.
 * @param waiting the plans that wait
 * @throws Failure `conflict` where too many of its plans wait or were made in 24 hours, and where somebody has rejected the same change within a day
 */
export async function requireRoomOfAgent(
  tx: Sql,
  { caller }: Pick<Acting, 'caller'>,
  { of, asked }: AgentOfPlan,
  waiting: readonly PlanOfAgent[],
): Promise<void> {
  const own = waiting.filter((row) => row.caller === caller && row.agent !== null)
  if (own.length >= mostWaiting)
    throw new Failure(
      'conflict',
      `${own.length} plans of this agent wait (${own.map(({ id }) => id).join(', ')}); no plan was made`,
      { hint: `ask ${of} to decide about them, or reject those that are not needed any more` },
    )
  // An agent rejects its own plans, so that the number that wait bounds neither plans nor records of rejections.
  const made = await tx`
    select from jobsctl_plans
    where caller = ${caller}::text and agent is not null and created_at > now() - interval '1 day'
    limit ${mostADay}`
  if (made.length >= mostADay)
    throw new Failure('conflict', `this agent made ${mostADay} plans in 24 hours; no plan was made`, {
      hint: `ask ${of} which change is needed: a person plans it without this limit`,
    })
  const [rejected] = await tx<{ id: number; by: string }[]>`
    select id, decided_by as by
    from jobsctl_plans
    where decision = 'rejected' and decided_at > now() - interval '1 day'
      and agent ->> 'of' = ${of}::text and agent ->> 'asked' = ${asked}::text
    order by id desc
    limit 1`
  if (!rejected) return
  throw new Failure(
    'conflict',
    `plan ${rejected.id} asked for the same change, and ${rejected.by} rejected it less than a day ago; no plan was made`,
    { hint: `ask ${of} why, or propose another change` },
  )
}

/** The agent of a plan as its record has it. */
export function proposedPlan(row: PlanOfAgent): ProposedPlan | undefined {
  const agent = agentOf(row)
  if (!agent) return undefined
  const { name, of, session, client } = agent
  return { plan: row.id, digest: row.digest, agent: row.caller, session, client, people: { agent: name, of } }
}

/** The agent of a plan as answers have it. */
export function shownAgent(row: Pick<PlanOfAgent, 'agent'>, people: boolean): Plan['agent'] {
  const agent = agentOf(row)
  if (!agent) return null
  const { name, of, client, session } = agent
  return { name: people ? name : null, of: people ? of : null, client, session }
}

/** What the agent of a plan asked last before it made the plan; undefined for the plan of a person. */
export async function evidenceOf(sql: Sql, row: PlanOfAgent): Promise<WholePlan['evidence']> {
  const agent = agentOf(row)
  if (!agent) return undefined
  const { caller, created_at: until } = row
  const calls = await callsBefore(sql, { caller, session: agent.session, until, most: mostEvidence })
  return calls.map(({ client: _, ...call }) => call)
}
