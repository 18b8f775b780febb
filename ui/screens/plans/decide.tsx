import { useState } from 'preact/hooks'
import { commandLine } from '../../../shared/shell.ts'
import { type Answer, call, confirmed, reasonHeader } from '../../api/call.ts'
import { ActProblem } from '../../parts/act-problem.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Why } from '../../parts/why.tsx'
import { useAct } from '../../state/act.ts'
import { caller, may } from '../../state/session.ts'

type Plan = Answer<'showPlan'>

interface DecideProps {
  plan: Plan
  /** Reads the plan again. */
  onDone: () => void
}

const rejectable = ['waiting', 'approved', 'withdrawn', 'stale']

/** Approves or rejects what this page shows: the digest goes along, so that another plan is never decided in its place. */
export function Decide({ plan, onDone }: DecideProps) {
  const [reason, setReason] = useState('')
  const act = useAct()
  const { id, digest, state, author_principal: author } = plan
  const isOwn = author !== null && author === caller.value?.principal
  const mayApprove = may('approve')
  if (!rejectable.includes(state) || (!mayApprove && !isOwn)) return null
  const decide = (endpoint: 'approvePlan' | 'rejectPlan') =>
    act.run(async () => {
      await call(endpoint, { id: String(id), digest }, { headers: { ...confirmed, ...reasonHeader(reason) } })
      setReason('')
      onDone()
    })
  const why = reason.trim() === '' ? [] : ['--reason', reason.trim()]
  const copyOf = (command: string) => commandLine(['jobsctl', command, String(id), ...why])
  return (
    <>
      <section class="confirm" aria-label="Decide">
        <h2>Decide</h2>
        {mayApprove && <Why reason={reason} onChange={setReason} />}
        {state === 'waiting' && (
          <div class="bar">
            <button
              type="button"
              class="primary"
              disabled={isOwn}
              aria-describedby={isOwn ? 'own-plan' : undefined}
              onClick={() => decide('approvePlan')}
            >
              Approve
            </button>
            {isOwn ? (
              <span id="own-plan">This plan is of your own principal, {author}: another principal approves it.</span>
            ) : (
              <Copy text={copyOf('approve')}>Copy as jobsctl approve</Copy>
            )}
          </div>
        )}
        {mayApprove && (
          <div class="bar">
            <button type="button" onClick={() => decide('rejectPlan')}>
              Reject
            </button>
            <Copy text={copyOf('reject')}>Copy as jobsctl reject</Copy>
          </div>
        )}
        {mayApprove && <p class="faint">A rejection is final.</p>}
      </section>
      <ActProblem act={act} onReload={onDone} />
    </>
  )
}
