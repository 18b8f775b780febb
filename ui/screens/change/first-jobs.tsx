import type { ComponentChildren } from 'preact'
import { call } from '../../api/call.ts'
import { type ChangeAnswer, numberOf } from '../../api/change.ts'
import { Button } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Status } from '../../parts/values.tsx'
import { navigate } from '../../state/address.ts'
import { useLoad, usePolling } from '../../state/calls.ts'
import type { Counted } from './kinds.ts'
import { jobsText } from './preview.tsx'
import type { StartedChange } from './started.ts'

/** The jobs that went first, and the others. */
interface First {
  operation: number
  /** How many went first, with the jobs that came back with them. */
  jobs: number
  /** How many others there are. */
  left: number
  /** With it the change is made of the others. */
  token: string
}

/**
 * What the answer to a change of some jobs says about the others.
 * @param total how many jobs there are in all
 * @returns undefined where there are no others, or none went first: the answer is then the result
 */
export function firstJobsOf(total: number, answer: ChangeAnswer): First | undefined {
  const token = answer.rest_token
  const operation = numberOf(answer, 'operation_id')
  const affected = numberOf(answer, 'affected') ?? 0
  if (typeof token !== 'string' || operation === undefined || affected === 0) return undefined
  const jobs = affected + (numberOf(answer, 'dependents') ?? 0)
  return { operation, jobs, left: total - affected, token }
}

/** The change of the other jobs, after that of the first. */
export function changeOfOthers(
  { body, canary, key, reason, since }: StartedChange,
  { operation, left, token }: First,
): StartedChange {
  const { limit: _limit, ...others } = body
  return {
    body: { ...others, preview_token: token },
    // The answer to the same change has the same token, so that the others follow once.
    key: `${key}-rest`,
    reason,
    goesOn: canary?.goesOn ?? true,
    count: left,
    after: operation,
    ...(since !== undefined && { since }),
  }
}

/** The other jobs in a sentence: `the other 7 jobs`. */
export const othersText = ({ left }: Pick<First, 'left'>): string =>
  left === 1 ? 'the other job' : `the other ${jobsText(left)}`

const atWork = ['queued', 'processing']

interface FirstJobsProps {
  kind: Pick<Counted, 'done'>
  first: First
  /** The way on to the other jobs, shown once the first are completed. */
  children: ComponentChildren
}

/** What becomes of the jobs that went first, live. When all of them are completed the others may follow; after a failure they stay. */
export function FirstJobs({ kind, first, children }: FirstJobsProps) {
  const { operation, jobs, left } = first
  const loaded = useLoad(String(operation), (signal) => call('getOperation', { id: String(operation) }, { signal }))
  const { data, problem, reload } = loaded
  const states = Object.entries(data?.now ?? {}).filter(([, count]) => count > 0)
  const completed = data?.now.completed ?? 0
  const hasFailed = states.some(([state]) => state !== 'completed' && !atWork.includes(state))
  const isDone = !hasFailed && completed >= jobs
  usePolling(!hasFailed && !isDone, loaded)
  const others = othersText(first)
  const stay = left === 1 ? 'stays as it is' : 'stay as they are'
  return (
    <>
      <div class={`note ${hasFailed ? 'bad' : isDone ? 'good' : 'active'}`}>
        <p>
          <b>
            {jobsText(jobs)} {kind.done} first
          </b>
          {hasFailed
            ? `, and not all of them are completed. ${capital(others)} ${stay}.`
            : isDone
              ? ', and all of them are completed.'
              : `. ${capital(others)} ${stay}, and can follow when these are completed.`}
        </p>
        <progress max={Math.max(1, jobs)} value={completed} aria-label="Jobs completed" />
        <p class="chips">
          {states.map(([state, count]) => (
            <span key={state} class="chip">
              <Status of={state} /> {count.toLocaleString('en')}
            </span>
          ))}
        </p>
        {problem && <ProblemNote problem={problem} onRetry={reload} />}
        <p>
          <Button onClick={() => navigate(`/operations/${operation}`)}>Stop here</Button>
        </p>
      </div>
      {isDone && children}
    </>
  )
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
