import { signal } from '@preact/signals'
import type { StatsFrame } from '../../shared/queues/stats-stream.ts'
import { base } from '../state/page.ts'
import { call } from './call.ts'
import { parseJson } from './json.ts'
import { problemOf } from './problem.ts'

export type LiveGroup = StatsFrame['groups'][number]

/** The counts of all groups as of one time, with what is stopped and what runs. */
export interface LiveStats {
  as_of: string
  groups: ReadonlyMap<string, LiveGroup>
  stopped: NonNullable<StatsFrame['stopped']>
  operations: NonNullable<StatsFrame['operations']>
}

const keyOf = ({ domain, queue, job_type }: Pick<LiveGroup, 'domain' | 'queue' | 'job_type'>): string =>
  JSON.stringify([domain, queue, job_type])

/** The stats after a further frame. */
function applyFrame(before: LiveStats | undefined, frame: StatsFrame, isFull: boolean): LiveStats {
  const groups = new Map(isFull ? [] : before?.groups)
  for (const group of frame.gone) groups.delete(keyOf(group))
  for (const group of frame.groups) groups.set(keyOf(group), group)
  return {
    ...{ as_of: frame.as_of, groups },
    stopped: frame.stopped ?? before?.stopped ?? [],
    operations: frame.operations ?? before?.operations ?? [],
  }
}

/** How long a stream that was cut off waits before it is opened again, in milliseconds. */
const reopenMs = 2000

/**
 * Follows the counts as long as this tab is seen: a hidden tab has no stream, since a browser opens six connections to a server at most.
 * @param domain only the counts of this domain; undefined for all
 * @returns a signal of the stats and one that says whether the stream is open, and a function that ends it
 */
export function followStats(domain: string | undefined) {
  const stats = signal<LiveStats | undefined>(undefined)
  const isLive = signal(false)
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const close = () => {
    clearTimeout(timer)
    source?.close()
    source = undefined
    isLive.value = false
  }
  const open = () => {
    close()
    if (document.hidden) return
    const scope = domain === undefined ? '' : `?${new URLSearchParams({ domain })}`
    source = new EventSource(`${base}/api/v1/jobs/stats/stream${scope}`)
    const take = (isFull: boolean) => (event: MessageEvent<string>) => {
      isLive.value = true
      stats.value = applyFrame(stats.value, frameOf(event.data), isFull)
    }
    source.addEventListener('full', take(true))
    source.addEventListener('changes', take(false))
    source.addEventListener('error', () => {
      close()
      timer = setTimeout(lookAndOpen, reopenMs)
    })
  }
  /** A stream does not say why it ended: a call does, and shows the login where the session is over. */
  const lookAndOpen = () => {
    call('showCaller').then(open, (error: unknown) => {
      if (problemOf(error).status !== 401) timer = setTimeout(lookAndOpen, reopenMs)
    })
  }
  document.addEventListener('visibilitychange', open)
  open()
  const end = () => {
    document.removeEventListener('visibilitychange', open)
    close()
  }
  return { stats, isLive, end }
}

/** The server keeps the contract of `StatsFrame`. */
const frameOf = (text: string): StatsFrame => parseJson(text) as StatsFrame
