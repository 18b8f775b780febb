import { useRef, useState } from 'preact/hooks'
import { type Answer, call, confirmed } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Copy } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { navigate } from '../../state/address.ts'
import { useAct } from '../../state/calls.ts'
import { caller, may } from '../../state/session.ts'
import { Confirm, type Confirmed } from '../change/confirm.tsx'
import { Course } from '../change/course.tsx'
import { sendChange } from '../change/sent.ts'
import { keepStarted, type StartedChange, startedChange } from '../change/started.ts'
import { Others } from './others.tsx'
import { firstOf, leavesOthers, personOfPlan, planKind, policyKind } from './plan-facts.ts'

/** True for a plan of which this caller is the author or the approver, once there is one. */
export function mayApply(plan: Answer<'showPlan'>): boolean {
  const principal = caller.value?.principal
  return may('change') && (principal === personOfPlan(plan) || principal === plan.decided_principal)
}

interface ApplyPlanProps {
  plan: Answer<'showPlan'>
  /** Reads the plan again. */
  onDone: () => void
}

/** Applies an approved plan, once, and shows its course. Its author or its approver does. One with first jobs is applied in two parts. */
export function ApplyPlan({ plan, onDone }: ApplyPlanProps) {
  const { id, digest, state, decided_principal } = plan
  const started = startedChange()
  const [isOver, setOver] = useState(false)
  const kind = planKind(plan.kind)
  const begin = (change: StartedChange) => {
    sendChange('applyPlan', change)
    keepStarted(change)
    setOver(false)
  }
  const back = () => {
    navigate(`/plans/${id}`)
    onDone()
  }
  const end = () => {
    setOver(true)
    onDone()
  }
  const first = leavesOthers(plan) ? plan.operation_id : null
  // The course of the first jobs is shown until the plan says what comes after them.
  if (started && !(isOver && started.canary && first !== null))
    return (
      <Course key={started.key} kind={kind} change={started} onEnd={end} onStartAgain={back} back="Back to the plan" />
    )
  const isMine = mayApply(plan)
  const byWhom = may('change') && !isMine && (
    <p class="note">
      It is applied by {plan.agent ? personOfPlan(plan) : `its author ${personOfPlan(plan)}`}
      {decided_principal !== null && ` or its approver ${decided_principal}`}.
    </p>
  )
  if (first !== null)
    return (
      <>
        <Others plan={plan} operation={first} onStart={isMine ? begin : undefined} />
        {byWhom}
      </>
    )
  if (state !== 'approved' && !(plan.agent && state === 'waiting')) return null
  if (!isMine) return byWhom || null
  if (plan.kind === policyKind) return <ApplyPolicy plan={plan} onDone={onDone} />
  const copy = <Copy text={['jobsctl', 'apply', String(id)]}>Copy as jobsctl apply</Copy>
  const count = plan.still_matching ?? plan.count
  if (count === 0) return <p class="empty">None of its jobs matches any more: there is nothing to change.</p>
  const firstJobs = firstOf({ ...plan, count })
  const start = ({ goesOn }: Confirmed) => {
    if (startedChange()) return
    const change = {
      body: { id: String(id), digest },
      key: crypto.randomUUID(),
      reason: '',
      goesOn,
      count,
      since: plan.created_at,
    }
    // The page waits for the answer to the first jobs.
    begin(
      firstJobs === undefined
        ? change
        : { ...change, goesOn: false, count: firstJobs, canary: { total: count, goesOn } },
    )
  }
  return (
    <section aria-label="Apply">
      <h2>Apply</h2>
      <Confirm kind={kind} preview={{ count }} canary={firstJobs} onConfirm={start} />
      {firstJobs !== undefined && (
        <p class="faint">The others stay as they are until these are completed, and follow by a button of this page.</p>
      )}
      {copy}
    </section>
  )
}

interface ApplyPolicyProps {
  plan: Pick<Answer<'showPlan'>, 'id' | 'digest'>
  /** Reads the plan again. */
  onDone: () => void
}

/** Applies an approved policy. It changes no job by itself: its rules run at their times. */
function ApplyPolicy({ plan: { id, digest }, onDone }: ApplyPolicyProps) {
  // A request whose answer was lost is sent again under the same key, and applies the policy once.
  const key = useRef(crypto.randomUUID())
  const act = useAct()
  const apply = () =>
    act.run(async () => {
      const headers = { ...confirmed, 'Idempotency-Key': key.current }
      await call('applyPlan', { id: String(id), digest }, { headers })
      onDone()
    })
  return (
    <section class="confirm" aria-label="Apply">
      <h2>Apply</h2>
      <p>
        {may('govern')
          ? 'The policy takes the place of the one before. No job changes until its rules run, at their times.'
          : 'A policy is applied by a caller that may govern, such as an admin.'}
      </p>
      <div class="bar">
        {may('govern') && (
          <Act look="primary" onAct={apply}>
            Apply the policy
          </Act>
        )}
        <Copy text={['jobsctl', 'apply', String(id)]}>Copy as jobsctl apply</Copy>
      </div>
      <ActProblem act={act} onReload={onDone} />
    </section>
  )
}
