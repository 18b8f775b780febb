import { useState } from 'preact/hooks'
import { commandLine } from '../../../shared/shell.ts'
import { type Answer, call, confirmed, reasonHeader } from '../../api/call.ts'
import { Button, Copy, Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { useAct } from '../../state/calls.ts'
import { caller, may } from '../../state/session.ts'
import { leavesOthers } from './plan-facts.ts'

type Plan = Answer<'showPlan'>

interface DecideProps {
  plan: Plan
  /** Reads the plan again. */
  onDone: () => void
}

const rejectable = ['waiting', 'approved', 'withdrawn', 'stale']

/** What a rejection does. */
const rejectionOf = (plan: Plan): string =>
  leavesOthers(plan) ? 'A rejection takes the approval for the other jobs back, and is final.' : 'A rejection is final.'

/**
 * Approves or rejects what this page shows: the digest is sent with it, so that another plan is never decided in its place. What was decided
 * stays where it is, so that the second click of a double click meets no other button.
 */
export function Decide({ plan, onDone }: DecideProps) {
  const [reason, setReason] = useState('')
  const [decided, setDecided] = useState('')
  const act = useAct()
  const { id, digest, state, author_principal: author } = plan
  const isOwn = author !== null && author === caller.value?.principal
  const mayApprove = may('approve')
  const isOver = decided !== ''
  const isOpen = mayApprove ? rejectable.includes(state) || leavesOthers(plan) : isOwn && state === 'waiting'
  if (!isOver && !isOpen) return null
  const decide = (endpoint: 'approvePlan' | 'rejectPlan') =>
    act.run(async () => {
      await call(endpoint, { id: String(id), digest }, { headers: { ...confirmed, ...reasonHeader(reason) } })
      setDecided(endpoint === 'approvePlan' ? 'You have approved it.' : 'You have rejected it.')
      onDone()
    })
  const why = reason.trim() === '' ? [] : ['--reason', reason.trim()]
  const copyOf = (command: string) => commandLine(['jobsctl', command, String(id), ...why])
  return (
    <>
      <section class="confirm" aria-label="Decide">
        <h2>Decide</h2>
        {mayApprove && <Why reason={reason} onChange={setReason} />}
        {(isOver || state === 'waiting') && (
          <div class="bar">
            <Button
              class="primary"
              disabled={isOwn || isOver}
              aria-describedby={isOwn ? 'own-plan' : undefined}
              onClick={() => decide('approvePlan')}
            >
              Approve
            </Button>
            {isOwn ? (
              <span id="own-plan">This plan is of your own principal, {author}: another principal approves it.</span>
            ) : (
              <Copy text={copyOf('approve')}>Copy as jobsctl approve</Copy>
            )}
          </div>
        )}
        {mayApprove && (
          <div class="bar">
            <Button disabled={isOver} onClick={() => decide('rejectPlan')}>
              Reject
            </Button>
            <Copy text={copyOf('reject')}>Copy as jobsctl reject</Copy>
          </div>
        )}
        <p class="faint" role="status">
          {decided || (mayApprove ? rejectionOf(plan) : '')}
        </p>
      </section>
      <ActProblem act={act} onReload={onDone} />
    </>
  )
}
