import { signal } from '@preact/signals'
import { base } from '../state/page.ts'
import { send } from './call.ts'
import { type Problem, problemOf } from './problem.ts'

/** How long a stream that was cut off waits before it is opened again, in milliseconds; one that was open for that long waits shortly. */
const [reopenMs, shortlyMs] = [2000, 200]

/** What is done with the messages of a stream, by their names. */
type Takes = Readonly<Record<string, (message: MessageEvent<string>) => void>>

/**
 * Keeps a stream of server-sent events open as long as this tab is seen: a hidden tab has no stream, since a browser opens six connections
 * to a server at most.
 * @param path below the root of the server; asked for at each opening, so that a reader can go on at its place
 * @returns a signal that says whether the stream is open, undefined until that is known, one that says why it does not open, and a
 *   function that ends it
 */
export function keepStream(path: () => string, takes: Takes) {
  const isLive = signal<boolean | undefined>(undefined)
  const problem = signal<Problem | undefined>(undefined)
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let probe: AbortController | undefined
  let isEnded = false
  const close = () => {
    clearTimeout(timer)
    probe?.abort()
    source?.close()
    source = undefined
    if (isLive.value) isLive.value = false
  }
  const open = () => {
    close()
    if (document.hidden || isEnded) return
    source = new EventSource(`${base}${path()}`)
    let openedAt = Number.POSITIVE_INFINITY
    source.addEventListener('open', () => {
      isLive.value = true
      problem.value = undefined
      openedAt = performance.now()
    })
    for (const [name, take] of Object.entries(takes)) source.addEventListener(name, take)
    source.addEventListener('error', () => {
      close()
      isLive.value = false
      timer = setTimeout(lookAndOpen, performance.now() - openedAt > reopenMs ? shortlyMs : reopenMs)
    })
  }
  /** A stream does not say why it does not open: a request does, and shows the login where the session is over. */
  const lookAndOpen = () => {
    probe = new AbortController()
    const { signal } = probe
    send({ method: 'GET', path: path(), body: undefined }, { signal }).then(open, (error: unknown) => {
      if (signal.aborted) return
      problem.value = problemOf(error)
      if (problem.value.status !== 401) timer = setTimeout(lookAndOpen, reopenMs)
    })
  }
  document.addEventListener('visibilitychange', open)
  open()
  const end = () => {
    isEnded = true
    document.removeEventListener('visibilitychange', open)
    close()
  }
  return { isLive, problem, end }
}
