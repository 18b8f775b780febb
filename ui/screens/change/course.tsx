import { useEffect, useState } from 'preact/hooks'
import type { Progress } from '../../../shared/changes/bulk-change.ts'
import { call, confirmed } from '../../api/call.ts'
import { type ChangeAnswer, change as makeChange } from '../../api/change.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Link } from '../../parts/link.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { spanText } from '../../parts/time.tsx'
import type { ChangeKind } from './kinds.ts'
import { jobsText } from './preview.tsx'
import type { StartedChange } from './started.ts'

type Counted = Pick<ChangeKind, 'endpoint' | 'done' | 'count'>

interface CourseProps {
  kind: Counted
  change: StartedChange
  onStartAgain: () => void
}

/** The course of a change that was begun, and its result. The request is made once for its key: a reload asks again, and changes nothing more. */
export function Course({ kind, change, onStartAgain }: CourseProps) {
  const [progress, setProgress] = useState<Progress>()
  const [answer, setAnswer] = useState<ChangeAnswer>()
  const [problem, setProblem] = useState<Problem>()
  const [round, setRound] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    setProblem(undefined)
    makeChange({ name: kind.endpoint, ...change, onProgress: setProgress, signal }).then(
      (result) => !signal.aborted && setAnswer(result),
      (error: unknown) => !signal.aborted && setProblem(problemOf(error)),
    )
    return () => controller.abort()
  }, [round])
  const operation = operationOf(answer) ?? progress?.operation_id
  return (
    <section class="course" aria-label="Course" aria-live="polite">
      {!answer && !problem && <Bar progress={progress} count={change.count} />}
      {!answer && !problem && progress && <StopButton id={progress.operation_id} />}
      {problem && <ProblemNote problem={problem} onRetry={() => setRound(round + 1)} />}
      {answer && <Result kind={kind} answer={answer} previewed={change.count} />}
      {(answer || problem) && (
        <p>
          <button type="button" onClick={onStartAgain}>
            Make another preview
          </button>
        </p>
      )}
      {operation !== undefined && (
        <p>
          <Link to={`/operations/${operation}`}>Operation {operation}</Link> has the record, and the undo.
        </p>
      )}
    </section>
  )
}

const numberOf = (answer: ChangeAnswer | undefined, name: string): number | undefined => {
  const value = answer?.[name]
  return typeof value === 'number' ? value : undefined
}
const operationOf = (answer: ChangeAnswer | undefined) => numberOf(answer, 'operation_id')

function Result({ kind, answer, previewed }: { kind: Counted; answer: ChangeAnswer; previewed: number }) {
  const changed = numberOf(answer, kind.count) ?? 0
  const skipped = numberOf(answer, 'skipped') ?? Math.max(0, previewed - changed)
  const dependents = numberOf(answer, 'dependents')
  return (
    <div class="note good">
      <p>
        <b>
          {jobsText(changed)} {kind.done}
        </b>
        {skipped > 0 && `, ${skipped.toLocaleString('en')} skipped: somebody had changed or held them meanwhile`}
        {dependents ? `, ${jobsText(dependents)} along with them` : ''}.
      </p>
    </div>
  )
}

export function Bar({ progress, count }: { progress: Progress | undefined; count: number }) {
  const total = progress?.total ?? count
  const affected = progress?.affected ?? 0
  return (
    <div class="progress">
      <progress max={Math.max(1, total)} value={affected} aria-label="Jobs changed" />
      <p>
        {progress?.counted !== undefined && affected === 0
          ? `Counting: ${jobsText(progress.counted)} so far`
          : `${affected.toLocaleString('en')} of ${jobsText(total)}`}
        {progress && <span class="faint"> · {spanText(progress.elapsed_ms / 1000)}</span>}
        {progress?.waiting && <b class="care"> · waits</b>}
      </p>
    </div>
  )
}

export function StopButton({ id }: { id: number }) {
  const [said, setSaid] = useState('')
  const stop = () =>
    call('stopOperation', { id }, { headers: confirmed }).then(
      () => setSaid('It stops after its batch.'),
      (error: unknown) => setSaid(problemOf(error).message),
    )
  return (
    <p>
      <button type="button" onClick={stop} disabled={said !== ''}>
        Stop
      </button>{' '}
      <span role="status">{said}</span>
    </p>
  )
}
