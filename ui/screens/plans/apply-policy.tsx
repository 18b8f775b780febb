import { useRef } from 'preact/hooks'
import { commandLine } from '../../../shared/shell.ts'
import { type Answer, call, confirmed } from '../../api/call.ts'
import { ActProblem } from '../../parts/act-problem.tsx'
import { Copy } from '../../parts/copy.tsx'
import { useAct } from '../../state/act.ts'
import { may } from '../../state/session.ts'

interface ApplyPolicyProps {
  plan: Pick<Answer<'showPlan'>, 'id' | 'digest'>
  /** Reads the plan again. */
  onDone: () => void
}

/** Applies an approved policy. It changes no job by itself: its rules run at their times. */
export function ApplyPolicy({ plan: { id, digest }, onDone }: ApplyPolicyProps) {
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
          <button type="button" class="primary" onClick={apply}>
            Apply the policy
          </button>
        )}
        <Copy text={commandLine(['jobsctl', 'apply', String(id)])}>Copy as jobsctl apply</Copy>
      </div>
      <ActProblem act={act} onReload={onDone} />
    </section>
  )
}
