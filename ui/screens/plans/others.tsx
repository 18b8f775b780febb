import { useState } from 'preact/hooks'
import type { Progress } from '../../../shared/changes/bulk-change.ts'
import type { Answer } from '../../api/call.ts'
import { follow, numberOf } from '../../api/change.ts'
import type { Problem } from '../../api/problem.ts'
import { Copy } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { useLoad } from '../../state/calls.ts'
import { Confirm } from '../change/confirm.tsx'
import { Bar } from '../change/course.tsx'
import { FirstJobs, firstJobsOf } from '../change/first-jobs.tsx'
import type { StartedChange } from '../change/started.ts'
import { planKind } from './plan-facts.ts'

interface OthersProps {
  plan: Answer<'showPlan'>
  /** The operation of its first jobs. */
  operation: number
  /** Absent for a caller who may not apply the plan. */
  onStart: ((change: StartedChange) => void) | undefined
}

/**
 * What becomes of the first jobs of a plan, and its application to the others once these are completed. The record of the first operation
 * has the token for the others, so that every page goes on whose caller may apply the plan.
 */
export function Others({
  plan: { id, digest, kind: name, count, created_at: since },
  operation,
  onStart,
}: OthersProps) {
  const [progress, setProgress] = useState<Progress>()
  const [silence, setSilence] = useState<Problem>()
  const { data, problem, reload } = useLoad(String(operation), (signal) =>
    follow(String(operation), {
      onProgress: (next) => {
        setProgress(next)
        setSilence(undefined)
      },
      onSilence: setSilence,
      signal,
    }),
  )
  const kind = planKind(name)
  const first = data && firstJobsOf(count, data)
  return (
    <section aria-label="The other jobs">
      <h2>The other jobs</h2>
      {!data && !problem && <Bar {...{ progress, count, silence }} />}
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {problem?.code === 'partial' && <p>The other jobs stay as they are. To change them, plan the change again.</p>}
      {data && numberOf(data, 'affected') === 0 && (
        <p class="note care">
          None of the first jobs was changed: somebody had changed or held them meanwhile. The others stay as they are.
          To change them, plan the change again.
        </p>
      )}
      {first && (
        <FirstJobs kind={kind} first={first}>
          {onStart && (
            <>
              <Confirm
                kind={kind}
                preview={{ count: first.left }}
                onConfirm={({ goesOn }) =>
                  onStart({
                    body: { id: String(id), digest, rest_token: first.token },
                    // The same from every page of this caller: the others are changed once, and the answer is found again.
                    key: `plan-${id}-others-${digest.slice(0, 16)}`,
                    reason: '',
                    goesOn,
                    count: first.left,
                    since,
                    after: operation,
                  })
                }
              />
              <Copy text={['jobsctl', 'apply', String(id), '--rest', first.token]}>Copy as jobsctl apply</Copy>
            </>
          )}
        </FirstJobs>
      )}
    </section>
  )
}
