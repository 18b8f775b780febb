import { computed, type Signal, signal } from '@preact/signals'
import type { Progress } from '../../../shared/changes/bulk-change.ts'
import type { EndpointName } from '../../../shared/endpoint-names.ts'
import { type Answer, call } from '../../api/call.ts'
import { type ChangeAnswer, follow, change as makeChange } from '../../api/change.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { caller } from '../../state/session.ts'
import type { StartedChange } from './started.ts'

/** What this page knows of the course of a change; nothing yet where it has neither answer nor problem. */
export interface Known {
  progress?: Progress
  /** Why there is no word of it now. */
  silence?: Problem | undefined
  answer?: ChangeAnswer
  problem?: Problem
  /** The record of a change that has ended before its end. */
  stopped?: Answer<'getOperation'>
  /** True where the server has no record of it: it has changed nothing. */
  isMissing?: true
}

/** The changes that this page has sent or looked for, by their keys. */
const courses = new Map<string, Signal<Known>>()

// What was known before a session ended may have come to an end without it.
computed(() => caller.value?.id).subscribe(() => courses.clear())

/** Sends a change, once for its key. Nothing but the click that confirms it may call this. */
export function sendChange(name: EndpointName, change: StartedChange): void {
  if (courses.has(change.key)) return
  observe(change, (hooks) => makeChange({ name, ...change, ...hooks }))
}

/** The course of a change. One that this page has not sent is looked for by its key, and not sent. */
export const courseOf = (change: StartedChange): Signal<Known> => courses.get(change.key) ?? lookFor(change)

/** Looks for a change by its key, and follows it where it is found. */
export const lookFor = (change: StartedChange): Signal<Known> =>
  observe(change, async (hooks) => {
    const id = (await findOperation(change)) ?? (await soon(() => findOperation(change)))
    return id === undefined ? undefined : follow(String(id), hooks)
  })

/** A page that was loaded again right after a click may be quicker than the previous request: it looks a second time. */
const soon = async <Result>(look: () => Promise<Result>): Promise<Result> => {
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return look()
}

type Hooks = Parameters<typeof follow>[1]

function observe(change: StartedChange, run: (hooks: Hooks) => Promise<ChangeAnswer | undefined>): Signal<Known> {
  const course = courses.get(change.key) ?? signal<Known>({})
  courses.set(change.key, course)
  course.value = {}
  const note = (more: Known) => {
    course.value = { ...course.peek(), ...more }
  }
  run({
    onProgress: (progress) => note({ progress, silence: undefined }),
    onSilence: (silence) => note({ silence }),
  }).then(
    (answer) => note(answer ? { answer } : { isMissing: true }),
    async (error: unknown) => {
      const problem = problemOf(error)
      const id = course.peek().progress?.operation_id
      const stopped =
        problem.code === 'partial' && id !== undefined
          ? await call('getOperation', { id: String(id) }).catch(() => undefined)
          : undefined
      note({ problem, ...(stopped && { stopped }) })
    },
  )
  return course
}

const pageSize = 1000

/** The operation with the key of a change; undefined where there is none, or it changed nothing and its key is free again. */
async function findOperation({ key, since }: StartedChange): Promise<number | undefined> {
  for (let before: number | undefined; ; ) {
    const fields = { kind: 'changes', since, limit: pageSize, before_id: before }
    const page = await call('listOperations', fields)
    const found = page.find(({ idempotency_key }) => idempotency_key === key)
    if (found || page.length < pageSize) return found?.id
    before = page.at(-1)?.id
  }
}

/** True where it is not known what became of a call: an answer was lost, or something in between has answered in its place. */
export const isUnknown = ({ status, code }: Problem): boolean =>
  status === 0 || status >= 500 || code === 'outcome_unknown' || code === 'unexpected_answer'
