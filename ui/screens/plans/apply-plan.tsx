import { useState } from 'preact/hooks'
import { commandLine } from '../../../shared/shell.ts'
import type { Answer } from '../../api/call.ts'
import { Copy } from '../../parts/copy.tsx'
import { navigate } from '../../state/address.ts'
import { caller, may } from '../../state/session.ts'
import { Confirm, type Confirmed } from '../change/confirm.tsx'
import { Course } from '../change/course.tsx'
import { keepStarted, startedChange } from '../change/started.ts'
import { planKind } from './plan-kind.ts'

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
  const back = () => {
    navigate(`/plans/${id}`)
    setStarted(undefined)
    onDone()
  }
  if (started)
    return <Course kind={kind} change={started} onEnd={onDone} onStartAgain={back} again="Back to the plan" />
  if (state !== 'approved' || !may('change')) return null
  const principal = caller.value?.principal
  if (principal !== author_principal && principal !== decided_principal)
    return (
      <p class="note">
        It is applied by its author {author_principal} or its approver {decided_principal}.
      </p>
    )
  const count = plan.still_matching ?? plan.count
  if (count === 0) return <p class="empty">None of its jobs matches any more: there is nothing to change.</p>
  const start = ({ goesOn }: Confirmed) => {
    const change = { body: { id: String(id), digest }, key: crypto.randomUUID(), reason: '', goesOn, count }
    keepStarted(change)
    setStarted(change)
  }
  return (
    <section aria-label="Apply">
      <h2>Apply</h2>
      <Confirm kind={kind} preview={{ count }} onConfirm={start} />
      <Copy text={commandLine(['jobsctl', 'apply', String(id)])}>Copy as jobsctl apply</Copy>
    </section>
  )
}
