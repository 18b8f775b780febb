import { useState } from 'preact/hooks'
import { commandLine } from '../../../shared/shell.ts'
import type { Answer } from '../../api/call.ts'
import { Copy } from '../../parts/copy.tsx'
import { navigate } from '../../state/address.ts'
import { caller, may } from '../../state/session.ts'
import { Confirm, type Confirmed } from '../change/confirm.tsx'
import { Course } from '../change/course.tsx'
import { keepStarted, type StartedChange, startedChange } from '../change/started.ts'
import { planKind, policyKind } from './plan-kind.ts'

interface ApplyPlanProps {
  plan: Answer<'showPlan'>
  /** Reads the plan again. */
  onDone: () => void
}

/** Applies an approved plan, once, and shows its course. Its author or its approver does. */
export function ApplyPlan({ plan, onDone }: ApplyPlanProps) {
  const { id, digest, state, author_principal, decided_principal } = plan
  const [started, setStarted] = useState(startedChange)
  const kind = planKind(plan.kind)
  const begin = (change: StartedChange) => {
    keepStarted(change)
    setStarted(change)
  }
  const back = () => {
    navigate(`/plans/${id}`)
    setStarted(undefined)
    onDone()
  }
  if (started)
    return (
      <Course
        key={started.key}
        kind={kind}
        change={started}
        onEnd={onDone}
        onStartAgain={back}
        onGoOn={begin}
        again="Back to the plan"
      />
    )
  if (state !== 'approved' || !may('change')) return null
  const principal = caller.value?.principal
  if (principal !== author_principal && principal !== decided_principal)
    return (
      <p class="note">
        It is applied by its author {author_principal} or its approver {decided_principal}.
      </p>
    )
  const copy = <Copy text={commandLine(['jobsctl', 'apply', String(id)])}>Copy as jobsctl apply</Copy>
  if (plan.kind === policyKind)
    return (
      <section aria-label="Apply">
        <h2>Apply</h2>
        <p class="note">The policy is applied at the terminal, by a token that may govern: jobsctl apply {id}</p>
        {copy}
      </section>
    )
  const count = plan.still_matching ?? plan.count
  if (count === 0) return <p class="empty">None of its jobs matches any more: there is nothing to change.</p>
  const { limit } = plan.request
  const first = typeof limit === 'number' && limit < count ? limit : undefined
  const start = ({ goesOn }: Confirmed) => {
    const change = { body: { id: String(id), digest }, key: crypto.randomUUID(), reason: '', goesOn, count }
    const canary = { total: count, goesOn, rest: 'rest_token' } as const
    // The page waits for the answer to the first jobs, which has the token for the others.
    begin(first === undefined ? change : { ...change, goesOn: false, count: first, canary })
  }
  return (
    <section aria-label="Apply">
      <h2>Apply</h2>
      <Confirm kind={kind} preview={{ count }} canary={first} onConfirm={start} />
      {first !== undefined && (
        <p class="faint">The others stay as they are until these are completed, and follow by a button of this page.</p>
      )}
      {copy}
    </section>
  )
}
