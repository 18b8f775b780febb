import { computed, signal } from '@preact/signals'
import { base } from './page.ts'

const root = `${base}/ui`
const here = signal(new URL(location.href))
addEventListener('popstate', () => {
  here.value = new URL(location.href)
})

/** The path of the screen, below the root of the dashboard: `/jobs/812`. */
export const path = computed(() => here.value.pathname.slice(root.length).replace(/\/+$/, '') || '/')

/** The query of the screen: what it shows is in the address, and nowhere else. */
export const query = computed(() => here.value.searchParams)

/** The address of a screen for a link. */
export const hrefOf = (to: string): string => `${root}${to}`

/** Goes to another screen; the button Back comes back. */
export function navigate(to: string): void {
  history.pushState(null, '', hrefOf(to))
  here.value = new URL(location.href)
  scrollTo(0, 0)
}

/** Replaces the address of the screen; the button Back passes over the address before. */
export function replaceAddress(to: string): void {
  history.replaceState(history.state, '', hrefOf(to))
  here.value = new URL(location.href)
}

/** A path with a query; fields that are absent or blank are left out. */
export function addressOf(screen: string, fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => (field[1] ?? '') !== '')
  const text = new URLSearchParams(given).toString()
  return text === '' ? screen : `${screen}?${text}`
}
