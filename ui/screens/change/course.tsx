import { useEffect, useState } from 'preact/hooks'
import type { Progress } from '../../../shared/changes/bulk-change.ts'
import { call, confirmed } from '../../api/call.ts'
import { type ChangeAnswer, numberOf } from '../../api/change.ts'
import type { Problem } from '../../api/problem.ts'
import { Act } from '../../parts/act.tsx'
import { Button, Link } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { spanText } from '../../parts/times.tsx'
import { keepInEntry, navigate } from '../../state/address.ts'
import { useAct } from '../../state/calls.ts'
import { hasPlans, may } from '../../state/session.ts'
import { changeOfOthers, FirstJobs, firstJobsOf, othersText } from './first-jobs.tsx'
import { type Counted, canUndo } from './kinds.ts'
import { jobsText } from './preview.tsx'
import { type Proposal, ProposeInstead } from './propose.tsx'
import { courseOf, isUnknown, type Known, lookFor } from './sent.ts'
import { again, type StartedChange } from './started.ts'

interface CourseProps {
  kind: Counted
  change: StartedChange
  /** The way back to a preview, or to what it came from, with the reason why the preview is shown at once. */
  onStartAgain: (why?: 'stopped') => void
  /** What the way back is called where it does not lead to a preview. */
  back?: string
  /** Begins the change of the other jobs, once the first are completed. */
  onGoOn?: (change: StartedChange) => void
  /** The same change as a plan. */
  proposal?: Proposal
  /** Called when the change has ended. */
  onEnd?: () => void
}

/** The course of a change that was begun, and its result. A page that has not sent the change looks for it, and sends nothing. */
export function Course({ kind, change, onStartAgain, back, onGoOn, proposal, onEnd }: CourseProps) {
  const [course] = useState(() => courseOf(change))
  const { progress, silence, answer, problem, stopped, isMissing } = course.value
  useEffect(() => {
    if (answer) onEnd?.()
    // The confirmation takes the place of a change that there is not.
    if (isMissing) keepInEntry(again('missing'))
  }, [answer, isMissing])
  const operation = numberOf(answer, 'operation_id') ?? progress?.operation_id
  const first = answer && onGoOn && change.canary && firstJobsOf(change.canary.total, answer)
  const isPartial = problem?.code === 'partial'
  return (
    <section class="course" aria-label="Course" aria-live="polite">
      {!answer && !problem && <Bar progress={progress} count={change.count} isMost={change.isMost} silence={silence} />}
      {!answer && !problem && progress && <StopButton id={progress.operation_id} />}
      {problem && isPartial && <Stopped {...course.value} problem={problem} />}
      {problem && !isPartial && <ProblemNote problem={problem} />}
      {problem?.code === 'approval_required' && proposal && hasPlans.value && (
        <ProposeInstead proposal={proposal} reason={change.reason} />
      )}
      {first && (
        <FirstJobs kind={kind} first={first}>
          <Button class="primary" onClick={() => onGoOn?.(changeOfOthers(change, first))}>
            {kind.label} {othersText(first)}
          </Button>
        </FirstJobs>
      )}
      {answer && !first && <Result kind={kind} answer={answer} change={change} />}
      {(answer || problem) && !first && (
        <p class="bar">
          {problem && !isPartial && isUnknown(problem) && <Button onClick={() => lookFor(change)}>Look for it</Button>}
          {stopped && may('change') && canUndo(stopped) && (
            <Button onClick={() => navigate(`/operations/${stopped.id}`, again('stopped'))}>Undo these…</Button>
          )}
          <Button onClick={() => onStartAgain(isPartial && !back ? 'stopped' : undefined)}>
            {back ?? (isPartial ? 'Go on…' : 'Make another preview')}
          </Button>
        </p>
      )}
      {operation !== undefined && (
        <p>
          <Link to={`/operations/${operation}`}>Operation {operation}</Link> has the record, and the undo.
          {change.after !== undefined && (
            <>
              {' '}
              The jobs that went first are in <Link to={`/operations/${change.after}`}>operation {change.after}</Link>.
            </>
          )}
        </p>
      )}
    </section>
  )
}

/** A change that ended before its end is no failure: what it did stands, and the other jobs are as they were. */
const Stopped = ({ problem, stopped, progress }: Known & { problem: Problem }) => (
  <div class="note care" role="alert">
    <p>
      <b>Stopped after {jobsText(stopped?.affected ?? progress?.affected ?? 0)}</b>: {stopped?.error ?? problem.message}
      {stopped?.not_reached ? `. ${stopped.not_reached.toLocaleString('en')} not reached` : ''}
    </p>
  </div>
)

function Result({ kind, answer, change }: { kind: Counted; answer: ChangeAnswer; change: StartedChange }) {
  const changed = numberOf(answer, kind.countedBy) ?? 0
  const skipped = numberOf(answer, 'skipped') ?? 0
  // The others of a change of some jobs first wait for it, and nobody has skipped them.
  const left = change.canary ? Math.max(0, change.canary.total - changed) : 0
  const dependents = numberOf(answer, 'dependents')
  const withdrawn = numberOf(answer, 'withdrawn') ?? 0
  return (
    <div class="note good">
      <p>
        <b>
          {jobsText(changed)} {kind.done}
        </b>
        {withdrawn > 0 && `, of them ${jobsText(withdrawn)} that run: their workers are no longer asked to end them`}
        {skipped > 0 && `, ${skipped.toLocaleString('en')} skipped: somebody had changed or held them meanwhile`}
        {left > 0 && `, ${left.toLocaleString('en')} left for later`}
        {dependents ? `, ${jobsText(dependents)} along with them` : ''}.
      </p>
    </div>
  )
}

interface BarProps {
  progress: Progress | undefined
  count: number
  /** True where `count` is the most that may change. */
  isMost?: boolean | undefined
  /** Why there is no word of it now. */
  silence?: Problem | undefined
}

/** How far a change is. */
export function Bar({ progress, count, isMost, silence }: BarProps) {
  const total = isMost ? count : (progress?.total ?? count)
  const affected = progress?.affected ?? 0
  return (
    <div class="progress">
      <progress {...(!isMost && { max: Math.max(1, total), value: affected })} aria-label="Jobs changed" />
      <p>
        {progress?.counted !== undefined && affected === 0
          ? `Counting: ${jobsText(progress.counted)} so far`
          : `${affected.toLocaleString('en')} of ${isMost ? 'at most ' : ''}${jobsText(total)}`}
        {progress && <span class="faint"> · {spanText(progress.elapsed_ms / 1000)}</span>}
        {progress?.waiting && <b class="care"> · waits</b>}
      </p>
      {silence && <p class="care">No word of it, it is asked for again: {silence.message}</p>}
    </div>
  )
}

/** Asks a running operation to stop. A request that was not answered leaves the button for another try. */
export function StopButton({ id }: { id: number }) {
  const [isAsked, setAsked] = useState(false)
  const act = useAct()
  if (!may('change')) return null
  const stop = () => act.run(() => call('stopOperation', { id }, { headers: confirmed }).then(() => setAsked(true)))
  return (
    <>
      <p>
        <Act onAct={stop} lack={isAsked}>
          Stop
        </Act>{' '}
        <span role="status">{isAsked && 'It stops after its batch.'}</span>
      </p>
      <ActProblem act={act} />
    </>
  )
}
