import { batch, computed, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JobId } from '../../shared/work/job-key.ts'
import { domainBeside } from './engine.ts'
import { base } from './page.ts'

const root = `${base}/ui`
const here = signal(new URL(location.href))
const entry = signal<unknown>(history.state)
/** Takes note of the entry of the browser's history that is shown now. */
const arrive = () =>
  batch(() => {
    here.value = new URL(location.href)
    entry.value = history.state
  })
addEventListener('popstate', arrive)

/** The path of the screen, below the root of the dashboard: `/jobs/812`. */
export const path = computed(() => here.value.pathname.slice(root.length).replace(/\/+$/, '') || '/')

/** The query of the screen: what it shows is in the address, and nowhere else. */
export const query = computed(() => here.value.searchParams)

/** What this entry of the browser's history keeps beside its address. */
export const entryState = computed(() => entry.value)

/** What is seen on a screen, by its path: the state of a job, of a plan or of an operation. */
export const detail = signal({ of: '', text: '' })

/** Has the title of the tab say what is seen on this screen, for as long as it is shown. */
export function useDetail(text: string): void {
  useEffect(() => {
    detail.value = { of: path.peek(), text }
  }, [text])
}

/** Keeps something in this entry of the history: it is there again after a reload, Back and Forward. */
export function keepInEntry(state: unknown): void {
  history.replaceState(state, '')
  arrive()
}

/** The address of a screen for a link. */
export const hrefOf = (to: string): string => `${root}${to}`

/**
 * Goes to another screen; the button Back comes back.
 * @param state what the new entry of the history keeps beside its address
 */
export function navigate(to: string, state: unknown = null): void {
  history.pushState(state, '', hrefOf(to))
  arrive()
  scrollTo(0, 0)
}

/** Replaces the address of the screen; the button Back passes over the address before. */
export function replaceAddress(to: string): void {
  history.replaceState(history.state, '', hrefOf(to))
  arrive()
}

/** A path with a query; fields that are absent or blank are left out. */
export function addressOf(screen: string, fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => (field[1] ?? '') !== '')
  const text = new URLSearchParams(given).toString()
  return text === '' ? screen : `${screen}?${text}`
}

/** The fields of a scope. */
export const scopeNames = ['domain', 'queue', 'job_type'] as const

/**
 * True for names of domains, queues and job types that a filter finds: the server takes off the spaces around a name, and a blank one is no
 * filter. Rows of other programs may have such names.
 */
export const canBeFound = (...names: readonly string[]): boolean =>
  names.every((name) => name !== '' && name.trim() === name)

/**
 * The address of a job: a key has a slash between its queue and its id, which stays one part of the path. Of several schemas of an engine two may
 * have the same key, so that its domain stands beside it.
 */
export const addressOfJob = (id: JobId, domain?: string | null): string =>
  addressOf(`/jobs/${encodeURIComponent(id)}`, { domain: domainBeside(id, domain) })

const placeKey = 'jobsctl-came-for'

/** Keeps the address while a provider logs somebody in, whose page leads back to the first screen. */
export function rememberPlace(): void {
  try {
    sessionStorage.setItem(placeKey, location.href.slice(location.origin.length + root.length))
  } catch {
    // Without storage the first screen is shown.
  }
}

/** Goes back from the first screen to the address that somebody came for. */
export function returnToPlace(): void {
  try {
    const place = sessionStorage.getItem(placeKey)
    sessionStorage.removeItem(placeKey)
    if (place?.startsWith('/') && path.value === '/' && query.value.size === 0) replaceAddress(place)
  } catch {
    // As above.
  }
}
