import { useState } from 'preact/hooks'
import { type Answer, call } from '../../api/call.ts'
import { Copy, Link } from '../../parts/controls.tsx'
import { Person } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { Facts, Json, Status } from '../../parts/values.tsx'
import { useDetail } from '../../state/address.ts'
import { useLoad, usePolling } from '../../state/calls.ts'
import { hasPlans } from '../../state/session.ts'
import { jobsText, PreviewTable } from '../change/preview.tsx'
import { Evidence, ProposedBy } from './agent.tsx'
import { ApplyPlan, mayApply } from './apply-plan.tsx'
import { Decide } from './decide.tsx'
import {
  firstOf,
  hasLeftOthers,
  leavesOthers,
  meaningOf,
  meaningOfAgents,
  placeOf,
  planKind,
  policyKind,
} from './plan-facts.ts'
import { NoPlans } from './plans.tsx'

type Plan = Answer<'showPlan'>

/*
 * The questions of this screen, in their order:
 *   1. How is it, and what comes next?      its state as a sentence, which is read again while others decide
 *   2. Who wants it, and why?               the reason, the author, an agent and what it asked
 *   3. What would it do, as of now?         the numbers of then and of now, the preview, the request
 *   4. Do I approve it? Do I apply it?      the decision, which is about the digest that is shown; the application, once
 */

/** One plan, and what can be done with it. */
export function ShowPlan({ id }: { id: string }) {
  return hasPlans.value ? <KnownPlan id={id} /> : <NoPlans />
}

function KnownPlan({ id }: { id: string }) {
  const loaded = useLoad(id, (signal) => call('showPlan', { id }, { signal }))
  const { data, problem, readAt, isLoading, reload } = loaded
  const [round, setRound] = useState(0)
  useDetail(data?.state ?? '')
  const follows = data !== undefined && isOthersTurn(data)
  usePolling(follows, loaded, pollMs)
  const refresh = () => {
    setRound(round + 1)
    reload()
  }
  return (
    <>
      <div class="bar">
        {data && <Status of={data.state} />}
        <Freshness readAt={readAt} isLoading={isLoading && !follows} reload={refresh} />
        <Copy text={['jobsctl', 'plans', 'show', id]}>Copy as jobsctl</Copy>
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && (
        <>
          <p>{meaningOfPlan(data)}</p>
          <ProposedBy plan={data} />
          <blockquote>{data.reason}</blockquote>
          <Numbers plan={data} />
          <Facts facts={factsOf(data)} />
          <PreviewTable
            preview={{ ...data.preview, token: '', owners: [] }}
            isUndo={data.kind === 'undo'}
            verb={data.kind === policyKind ? 'The first runs change' : planKind(data.kind).label}
          />
          <Request of={data} />
          <Evidence plan={data} />
          <Decide key={`${data.digest} ${round}`} plan={data} onDone={reload} />
          <ApplyPlan plan={data} onDone={reload} />
        </>
      )}
    </>
  )
}

/** How often a plan is read again while others decide about it, in milliseconds: each time its jobs are counted. */
const pollMs = 3000

/** True while somebody else decides about a plan or applies it. Where this caller is to confirm it, its numbers stay until a refresh. */
const isOthersTurn = (plan: Plan): boolean =>
  (plan.state === 'waiting' && !(plan.agent && mayApply(plan))) ||
  (plan.state === 'approved' && !mayApply(plan)) ||
  (leavesOthers(plan) && !mayApply(plan))

/** What the state of a plan means. One that is applied to some jobs first is applied in two parts. */
const meaningOfPlan = (plan: Plan): string => {
  const first = firstOf(plan)
  if (plan.agent && plan.state === 'waiting') return meaningOfAgents(plan.agent.of)
  if (plan.state !== 'applied' || first === undefined) return meaningOf(plan.state)
  const applied = `It was applied to ${jobsText(first)} first`
  if (plan.decision === 'rejected') return `${applied}, and its approval for the others was taken back.`
  if (hasLeftOthers(plan)) return `${applied}. Its time is over, and the others stay as they are. Plan them again.`
  return leavesOthers(plan)
    ? `${applied}. The others follow when these are completed, or stay as they are.`
    : `${applied}, and to the others then. It cannot be applied again.`
}

/** How many jobs the plan had, and what has gone on since. */
function Numbers({ plan: { count, still_matching, dependents } }: { plan: Plan }) {
  const tiles = [
    ['when planned', count],
    ['match now', still_matching],
    ['gone on since', still_matching === null ? null : count - still_matching],
    ['go along', dependents === 0 ? null : dependents],
  ] as const
  return <Facts class="sums" facts={tiles.map(([name, jobs]) => [name, jobs?.toLocaleString('en')])} />
}

const who = (id: string | null, principal: string | null) => id !== null && <Person id={id} principal={principal} />

const operationLink = (id: number | null | undefined) =>
  typeof id === 'number' && <Link to={`/operations/${id}`}>{id}</Link>

const factsOf = (plan: Plan) =>
  [
    ['Author', who(plan.author, plan.author_principal)],
    ['Where', placeOf(plan)],
    ['First', typeof plan.request.limit === 'number' && jobsText(plan.request.limit)],
    ['Made', <Ago at={plan.created_at} />],
    ['Ends', (['waiting', 'approved'].includes(plan.state) || leavesOthers(plan)) && <Ago at={plan.expires_at} />],
    [
      (plan.decision ?? plan.state) === 'rejected' ? 'Rejected by' : 'Approved by',
      who(plan.decided_by, plan.decided_principal),
    ],
    ['Decided', plan.decided_at && <Ago at={plan.decided_at} />],
    ['Why so', plan.decided_reason],
    ['Operation', operationLink(plan.operation_id)],
    ['Operation of the others', operationLink(plan.rest_operation_id)],
    ['Digest', <code>{plan.digest}</code>],
  ] as const

/** The request of the change: its filter and its options, as they go over the wire. */
const Request = ({ of: { path, request } }: { of: Plan }) => (
  <section aria-label="Request">
    <h2>Request</h2>
    <p>
      <code>POST {path}</code>
    </p>
    <Json value={request} />
  </section>
)
