import { addressOf, path, query } from '../state/address.ts'
import { engines } from '../state/engine.ts'
import { Link } from './controls.tsx'
import { Name } from './name.tsx'

/** The screens about the jobs of a domain of their address. */
const screens: readonly string[] = ['/', '/jobs', '/clusters', '/workers', '/history']

/** More are found by the filter of a screen alone. */
const mostShown = 12

/** A server of own jobs has those of each engine beside them under a domain of its own: whose jobs a screen is about, and the way to the others. */
export function Domains() {
  const domains = engines.value.flatMap(({ schema }) => schema ?? [])
  const hasOwn = engines.value.some(({ schema }) => schema === null)
  if (!hasOwn || domains.length === 0 || !screens.includes(path.value)) return null
  const asked = query.value.get('domain')?.trim()
  const current = domains.find((domain) => domain === asked)
  const shown = domains.slice(0, mostShown)
  return (
    <nav class="domains" aria-label="Whose jobs">
      <Link to={path.value} current={current === undefined}>
        own jobs
      </Link>
      {[...shown, ...(current === undefined || shown.includes(current) ? [] : [current])].map((domain) => (
        <Link key={domain} to={addressOf(path.value, { domain })} current={domain === current}>
          <Name of={domain} />
        </Link>
      ))}
      {domains.length > mostShown && <span class="faint">and more, by domain:… in a filter</span>}
    </nav>
  )
}
