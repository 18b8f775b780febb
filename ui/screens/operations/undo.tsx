import { useState } from 'preact/hooks'
import { type Answer, call } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Act } from '../../parts/act.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { may } from '../../state/session.ts'
import { Apply } from '../change/apply.tsx'
import { canUndo, undoKind } from '../change/kinds.ts'
import { jobsText, PreviewTable } from '../change/preview.tsx'
import { startedChange, usePreviewAgain } from '../change/started.ts'

interface UndoProps {
  record: Pick<Answer<'getOperation'>, 'id' | 'kind' | 'state' | 'affected' | 'no_way_back'>
}

/** The undo of an operation, previewed: how many jobs come back, and how many cannot and why. It is offered while it is possible. */
export function Undo({ record }: UndoProps) {
  const { id } = record
  const [plan, setPlan] = useState<Answer<'undo'>>()
  const [problem, setProblem] = useState<Problem>()
  const started = startedChange()
  const isPossible = may('change') && canUndo(record)
  const [isBusy, setBusy] = useState(false)
  const look = async () => {
    setProblem(undefined)
    setBusy(true)
    await call('undo', { id, dry_run: true }).then(setPlan, (error: unknown) => setProblem(problemOf(error)))
    setBusy(false)
  }
  usePreviewAgain(() => isPossible && look())
  if (!started && !isPossible) return null
  return (
    <section aria-label="Undo">
      <h2>Undo</h2>
      {!started && (
        <p class="bar">
          <Act onAct={look} isBusy={isBusy}>
            {plan ? 'Preview the undo again' : 'Preview the undo'}
          </Act>
          <span class="faint" role="status">
            {isBusy && 'The jobs of the operation are being counted…'}
          </span>
        </p>
      )}
      {problem && <ProblemNote problem={problem} />}
      {plan && !started && <Conflicts plan={plan} />}
      {plan?.preview && !started && <PreviewTable preview={plan.preview} verb="Give back" isUndo />}
      <Apply
        kind={undoKind}
        fields={{ id: String(id) }}
        preview={plan?.preview}
        started={started}
        onStart={() => setPlan(undefined)}
        words={['jobsctl', 'undo', String(id)]}
      />
    </section>
  )
}

const mostConflicts = 20

function Conflicts({ plan }: { plan: Answer<'undo'> }) {
  if (plan.conflict_count === 0) return null
  return (
    <div class="note care">
      <p>
        {jobsText(plan.conflict_count)} cannot come back
        {plan.conflict_count > mostConflicts && `, the first ${mostConflicts} of them`}:
      </p>
      <ul>
        {plan.conflicts.slice(0, mostConflicts).map(({ job_id, reason }) => (
          <li key={job_id}>
            {job_id}: {reason}
          </li>
        ))}
      </ul>
    </div>
  )
}
