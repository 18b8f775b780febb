import { effect, signal, untracked } from '@preact/signals'
import type { Overview } from '../../shared/queues/overview.ts'
import { call } from '../api/call.ts'
import { followStats, type LiveStats } from '../api/live-stats.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { path, query } from './address.ts'
import { withCounts } from './counts-of-stream.ts'
import { can } from './engine.ts'
import { caller, may } from './session.ts'

/**
 * How often the queues are looked at, in milliseconds: by the screen that shows them where no stream says what goes on, and by the others for the
 * mark in the tab.
 */
const [shownMs, aroundMs] = [1500, 20_000]

/** How old rates and sentences may be where the stream says that something goes on, and where it says nothing. */
const [busyMs, calmMs] = [5000, 20_000]

/** What all queues do, as last read; undefined until it is known. */
export const overview = signal<Overview | undefined>(undefined)

/** Why the queues were not read the last time. */
export const overviewProblem = signal<Problem | undefined>(undefined)

/** Whether the queues are looked at now; undefined until that is known. */
export const isLive = signal<boolean | undefined>(undefined)

let timer: ReturnType<typeof setTimeout> | undefined
let reading: AbortController | undefined
let readAt = Number.NEGATIVE_INFINITY
/** The counts as they change, while the first screen is seen. */
let stream: ReturnType<typeof followStats> | undefined

const isShown = () => path.peek() === '/'

/** A moment of the past does not change. */
const isPast = () => query.peek().has('at')

/** The domain of the address: a server that serves several engines answers for one of them by its domain. */
const asked = () => ({ domain: (isShown() && query.peek().get('domain')) || undefined })

/** Reads the queues again now. */
export async function readOverview(): Promise<void> {
  clearTimeout(timer)
  reading?.abort()
  reading = undefined
  if (document.hidden || !caller.peek() || !may('read') || !can('stats')) {
    isLive.value = false
    return
  }
  const controller = new AbortController()
  reading = controller
  const began = performance.now()
  try {
    overview.value = await call('overview', asked(), { signal: controller.signal })
    overviewProblem.value = undefined
    isLive.value = true
  } catch (error) {
    if (controller.signal.aborted) return
    overviewProblem.value = problemOf(error)
    isLive.value = false
    // The login is shown.
    if (overviewProblem.value.status === 401) return
  }
  reading = undefined
  readAt = performance.now()
  const term = !isShown() || isPast() ? aroundMs : stream?.isLive.peek() ? calmMs : shownMs
  // Where an answer takes long, most of the time is left to others.
  readWithin(Math.max(term, 5 * (readAt - began)))
}

/** Reads the queues again when what is shown is so old, in milliseconds. */
function readWithin(ms: number): void {
  if (reading) return
  clearTimeout(timer)
  timer = setTimeout(readOverview, Math.max(0, readAt + ms - performance.now()))
}

/** Takes over the counts of the stream. A stop, a change that runs and a queue that was not there are read at once. */
function takeCounts(live: LiveStats, before: LiveStats | undefined): void {
  const now = overview.peek()
  if (!now) return
  const counted = withCounts(now, live)
  overview.value = counted.overview
  const isOther = before !== undefined && (before.stopped !== live.stopped || before.operations !== live.operations)
  readWithin(counted.hasOthers || isOther ? 0 : busyMs)
}

/** Follows the stream of the counts while the first screen is shown; without one the queues are asked for again and again. */
function followCounts(): void {
  stream?.end()
  stream = undefined
  if (!isShown() || isPast() || !caller.peek() || !may('read') || !can('stats')) return
  const following = followStats(asked())
  stream = following
  let before: LiveStats | undefined
  // A stream that is cut off says that the server may be gone: a read says whether it is.
  effect(() => {
    if (following.isLive.value === false && stream === following && !document.hidden) untracked(() => readWithin(0))
  })
  effect(() => {
    const live = following.stats.value
    if (!live || stream !== following || live === before) return
    untracked(() => takeCounts(live, before))
    before = live
  })
}

/** Keeps what the queues do up to date, while somebody is logged in and sees the page. */
export function followOverview(): void {
  document.addEventListener('visibilitychange', readOverview)
  let before: string | undefined
  let last: string | undefined
  effect(() => {
    const who = caller.value?.id
    const isFirst = path.value === '/'
    const [domain, at] = isFirst ? [query.value.get('domain'), query.value.has('at')] : [null, false]
    const key = JSON.stringify([who, isFirst, domain, at])
    if (key === before) return
    before = key
    // Another caller sees nothing of the one before.
    if (who !== last) overview.value = undefined
    last = who
    untracked(() => {
      readOverview()
      followCounts()
    })
  })
}
