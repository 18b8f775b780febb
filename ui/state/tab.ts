import { effect } from '@preact/signals'
import { escaped } from '../../shared/text/escape.ts'
import { detail, path, query } from './address.ts'
import { overview } from './overview.ts'

/** How many queues fail or stand still, as the title says it. */
function trouble(): string {
  const attention = overview.value?.attention ?? []
  const failing = overview.value?.failing_queues ?? 0
  const standing = attention.filter(({ kind }) => kind === 'no_worker').length
  const isMore = overview.value?.more_of?.includes('no_worker')
  return [
    failing > 0 && `${failing} failing`,
    standing > 0 && `${isMore ? 'at least ' : ''}${standing} ${standing === 1 ? 'queue' : 'queues'} without workers`,
  ]
    .filter((text) => text)
    .join(' · ')
}

/** The name of the screen, with what is seen on it: the queue, the state of what it shows, and what needs somebody. */
export function titleOf(screen: string): string {
  const [domain, queue] = ['domain', 'queue'].map((name) => query.value.get(name)?.trim())
  const place = [domain, queue].filter(Boolean).join('/')
  const isQueue = path.value === '/queue' && domain && queue
  const seen = isQueue ? place : screen
  const more = detail.value.of === path.value && detail.value.text !== '' ? detail.value.text : isQueue ? '' : place
  return escaped([seen, more, trouble(), 'jobsctl'].filter((text) => text !== '').join(' · '))
}

/** Whether something fails, or stands still. */
const tone = () => {
  const attention = overview.value?.attention ?? []
  if (attention.some(({ kind }) => kind === 'failing')) return '%23d93025'
  return attention.some(({ kind }) => kind === 'no_worker' || kind === 'expired') ? '%23e69500' : undefined
}

/** The icon of the tab, which has a dot while something fails or stands still. */
export function keepIcon(): void {
  const link = document.querySelector('link[rel="icon"]')
  effect(() => {
    const colour = tone()
    const dot = colour ? `<circle cx='12' cy='4' r='4' fill='${colour}'/>` : ''
    const bars = `<path fill='%235b7bd5' d='M1 5h8v3H1zm0 5h14v3H1z'/>`
    link?.setAttribute(
      'href',
      `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${bars}${dot}</svg>`,
    )
  })
}
