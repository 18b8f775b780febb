import { useRef, useState } from 'preact/hooks'
import { commandLine, flagWords } from '../../../shared/text/shell.ts'
import { type Answer, call, confirmed, reasonHeader } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Copy, Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { useAct } from '../../state/calls.ts'
import { caller, may } from '../../state/session.ts'
import { leavesOthers, personOfPlan } from './plan-facts.ts'

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
  const { id, digest, state } = plan
  const author = personOfPlan(plan)
  const isOwn = author !== null && author === caller.value?.principal
  const mayApprove = may('approve')
  // Once it is approved, its author applies it below, or leaves it: an approver takes the approval back here.
  const mayReject = mayApprove || (isOwn && may('propose') && state === 'waiting')
  const isOver = decided !== ''
  const isOpen = mayReject ? rejectable.includes(state) || leavesOthers(plan) : isOwn && state === 'waiting'
  // What was offered once stays in its place: no other button comes under a pointer when somebody else decides.
  const wasWaiting = useRef(isOpen && state === 'waiting').current
  if (!isOver && !isOpen && !wasWaiting) return null
  const decide = (endpoint: 'approvePlan' | 'rejectPlan') =>
    act.run(async () => {
      await call(endpoint, { id: String(id), digest }, { headers: { ...confirmed, ...reasonHeader(reason) } })
      setDecided(endpoint === 'approvePlan' ? 'You have approved it.' : 'You have rejected it.')
      onDone()
    })
  const why = reason.trim() === '' ? [] : flagWords('--reason', reason.trim())
  const copyOf = (command: string) => commandLine(['jobsctl', command, String(id), ...why])
  return (
    <>
      <section class="confirm" aria-label="Decide">
        <h2>Decide</h2>
        {mayReject && <Why reason={reason} onChange={setReason} />}
        {(isOver || wasWaiting) && (
          <div class="bar">
            <Act
              look="primary"
              lack={isOwn || isOver || state !== 'waiting'}
              describedBy={isOwn ? 'own-plan' : undefined}
              isBusy={act.isBusy}
              onAct={() => decide('approvePlan')}
            >
              Approve
            </Act>
            {isOwn ? (
              <span id="own-plan">
                {plan.agent
                  ? 'An agent of yours proposed it: another principal approves it, where it needs an approval.'
                  : `This plan is of your own principal, ${author}: another principal approves it.`}
              </span>
            ) : (
              <Copy text={copyOf('approve')}>Copy as jobsctl approve</Copy>
            )}
          </div>
        )}
        {mayReject && (
          <div class="bar">
            <Act lack={isOver || !isOpen} isBusy={act.isBusy} onAct={() => decide('rejectPlan')}>
              Reject
            </Act>
            <Copy text={copyOf('reject')}>Copy as jobsctl reject</Copy>
          </div>
        )}
        <p class="faint" role="status">
          {decided ||
            (wasWaiting && state !== 'waiting' && `Meanwhile it is ${state}.`) ||
            (mayReject ? rejectionOf(plan) : '')}
        </p>
      </section>
      <ActProblem act={act} onReload={onDone} />
    </>
  )
}
