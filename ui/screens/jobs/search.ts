import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { compareJobIds } from '../../../shared/work/job-key.ts'
import { type Answer, callWithHeaders, type Fields } from '../../api/call.ts'
import { askedAgain, type Problem, problemOf } from '../../api/problem.ts'
import { pauseAfter } from '../../state/calls.ts'
import { serverNow } from '../../state/page.ts'

type ListedJob = Answer<'listJobs'>[number]

/** What a search has found so far. */
export interface Found {
  jobs: readonly ListedJob[]
  next: string | undefined
  prev: string | undefined
  /** How many jobs were compared; undefined where the server does not tell. */
  scanned: number | undefined
  /** False where jobs may be missing that match. */
  isComplete: boolean
  missingIndex: string | undefined
  /** True where the list has the jobs alone that were made last. */
  isOfNewest: boolean
}

interface Search {
  found: Found | undefined
  /** True where that is of another list, whose answer is shown until this one comes. */
  isOfOther: boolean
  problem: Problem | undefined
  /** When the page was read, by the clock of the server, in milliseconds. */
  readAt: number | undefined
  isLoading: boolean
  reload: () => void
  /** Ends the search where it is. */
  stop: () => void
  /** Goes on with a search that was ended. */
  goOn: () => void
}

interface State {
  /** The round whose search has ended. */
  ended: string
  found?: Found | undefined
  /** The list of which that is. */
  of?: string
  readAt?: number
  problem?: Problem
}

/**
 * Reads one page of a list. A page that the server has ended before it was full is no answer: the search goes on from there by itself,
 * until the page is full, the list is over, or somebody ends it.
 * @param request without `limit`
 */
export function useSearch(request: Fields, limit: number): Search {
  const key = JSON.stringify(request)
  const [state, setState] = useState<State>({ ended: '' })
  const [round, setRound] = useState<{ of: string; at: number; from?: Found | undefined }>({ of: key, at: 0 })
  const [controller, setController] = useState<AbortController>()
  const failures = useRef(0)
  const { at } = round
  // What a search of another list has found is no place to go on from.
  const from = round.of === key ? round.from : undefined
  const name = `${key} ${at}`
  useEffect(() => {
    const current = new AbortController()
    setController(current)
    const began = performance.now()
    let last = from
    let timer: ReturnType<typeof setTimeout> | undefined
    const search = async () => {
      do {
        last = await nextOf(last, { request, limit, signal: current.signal })
        if (current.signal.aborted) return
        const found = last
        failures.current = 0
        setState(({ ended }) => ({ ended, found, of: key, readAt: serverNow() }))
      } while (!last.isComplete && last.next !== undefined && last.jobs.length < limit)
      setState((before) => ({ ...before, ended: name }))
    }
    search().catch((error: unknown) => {
      if (current.signal.aborted) return
      const problem = problemOf(error)
      const pause = pauseAfter(problem, failures.current++, performance.now() - began)
      setState((before) => ({
        ...before,
        ended: name,
        // Below a filter that fails nothing of the one before is left.
        found: before.of === key ? before.found : undefined,
        problem: pause === undefined ? problem : askedAgain(problem),
      }))
      // What was found stays: the search goes on from there.
      const next = last?.isComplete ? undefined : last
      if (pause !== undefined) timer = setTimeout(() => setRound({ of: key, at: at + 1, from: next }), pause)
    })
    return () => {
      clearTimeout(timer)
      current.abort()
    }
  }, [name])
  return {
    found: state.found,
    isOfOther: state.of !== key,
    problem: state.problem,
    readAt: state.readAt,
    isLoading: state.ended !== name,
    reload: useCallback(() => setRound((before) => ({ of: key, at: before.at + 1 })), [key]),
    stop: () => {
      controller?.abort()
      setState((before) => ({ ...before, ended: name }))
    },
    goOn: () => setRound({ of: key, at: at + 1, from: state.found }),
  }
}

interface Step {
  request: Fields
  limit: number
  signal: AbortSignal
}

async function nextOf(before: Found | undefined, { request, limit, signal }: Step): Promise<Found> {
  const fields = { ...request, limit: String(limit - (before?.jobs.length ?? 0)) }
  const { answer, headers } = await callWithHeaders('listJobs', before ? { ...fields, cursor: before.next } : fields, {
    signal,
  })
  const { next, prev } = linksOf(headers.get('Link'))
  const scanned = headers.get('X-Scanned')
  const isFull = headers.get('X-Complete') !== 'false'
  return {
    jobs: before ? inOrder([...before.jobs, ...answer], request) : answer,
    next,
    prev: before ? before.prev : prev,
    scanned: scanned === null ? undefined : Number(scanned) + (before?.scanned ?? 0),
    // A search that has come to the end of the list has looked at all of it.
    isComplete: isFull || (before !== undefined && next === undefined),
    missingIndex: headers.get('X-Missing-Index') ?? undefined,
    isOfNewest: headers.get('X-Only-Newest') === 'true',
  }
}

/** No index has a list by priority in its order: the server sorts one range of ids after the other. */
const inOrder = (jobs: readonly ListedJob[], { sort_by, sort_order }: Fields): readonly ListedJob[] =>
  sort_by !== 'priority'
    ? jobs
    : jobs.toSorted(
        (one, other) =>
          (sort_order === 'desc' ? -1 : 1) *
          ((one.priority ?? Number.POSITIVE_INFINITY) - (other.priority ?? Number.POSITIVE_INFINITY) ||
            compareJobIds(one.id, other.id)),
      )

/** The cursors of the pages beside a page. */
interface Links {
  next: string | undefined
  prev: string | undefined
}

/** Reads the cursors out of the header `Link` (RFC 8288), whose targets are queries of the same call. */
function linksOf(header: string | null): Links {
  const cursors = new Map<string, string>()
  for (const [, target = '', rel = ''] of (header ?? '').matchAll(/<\?([^>]*)>;\s*rel="(\w+)"/g)) {
    const cursor = new URLSearchParams(target).get('cursor')
    if (cursor) cursors.set(rel, cursor)
  }
  return { next: cursors.get('next'), prev: cursors.get('prev') }
}
