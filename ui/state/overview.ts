import { effect, signal } from '@preact/signals'
import type { Overview } from '../../shared/queues/overview.ts'
import { call } from '../api/call.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { path, query } from './address.ts'
import { can } from './engine.ts'
import { caller, may } from './session.ts'

/** How often the queues are looked at: by the screen that shows them, and by the others for the mark in the tab. */
const [shownMs, aroundMs] = [1500, 20_000]

/** What all queues do, as last read; undefined until it is known. */
export const overview = signal<Overview | undefined>(undefined)

/** Why the queues were not read the last time. */
export const overviewProblem = signal<Problem | undefined>(undefined)

/** Whether the queues are looked at now; undefined until that is known. */
export const isLive = signal<boolean | undefined>(undefined)

let timer: ReturnType<typeof setTimeout> | undefined
let reading: AbortController | undefined

const isShown = () => path.peek() === '/'

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
  // Where an answer takes long, most of the time is left to others.
  const took = performance.now() - began
  timer = setTimeout(readOverview, Math.max(isShown() ? shownMs : aroundMs, 5 * took))
}

/** Keeps what the queues do up to date, while somebody is logged in and sees the page. */
export function followOverview(): void {
  document.addEventListener('visibilitychange', readOverview)
  let before: string | undefined
  effect(() => {
    const who = caller.value?.id
    const domain = path.value === '/' ? query.value.get('domain') : null
    const key = JSON.stringify([who, path.value === '/', domain])
    if (key === before) return
    before = key
    if (who === undefined) overview.value = undefined
    readOverview()
  })
}
