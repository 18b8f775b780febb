import type { Reason } from '../../shared/explain/reason.ts'
import { addressOf } from '../state/address.ts'
import { may } from '../state/session.ts'
import { Link } from './controls.tsx'

interface ReasonsProps {
  sentence: string
  reasons: readonly Reason[]
  /** The place of a job in line. */
  place?: string | undefined
}

/** Every reason why a job or a queue does not run, in the sentences of `jobsctl explain`, each with the way to what removes it. */
export const Reasons = ({ sentence, reasons, place }: ReasonsProps) => (
  <section aria-label="Why">
    <p>{sentence}</p>
    {reasons.length > 0 && (
      <ul class="plain">
        {reasons.map((reason) => (
          <li key={reason.code} class="note care">
            <b>{reason.title}</b>: {reason.sentence} <Removal reason={reason} />
          </li>
        ))}
      </ul>
    )}
    {place && <p>{place}</p>}
  </section>
)

function Removal({ reason: { remedy } }: { reason: Reason }) {
  const way = remedy && wayTo(remedy.http)
  if (!way || !may(way.needs)) return null
  return <Link to={way.to}>{way.label}</Link>
}

interface Way {
  to: string
  label: string
  needs: string
}

type RemedyCall = NonNullable<Reason['remedy']>['http']

/** The screen where the call that removes a reason is previewed or made; undefined for a call of a later server. */
function wayTo({ path, body }: RemedyCall): Way | undefined {
  if (path === '/api/v1/jobs/queue/control') {
    return {
      to: addressOf('/queue', textsOf({ domain: body.domain, queue: body.queue })),
      label: 'Resume…',
      needs: 'queues',
    }
  }
  const single = /^\/api\/v1\/jobs\/(\d+)\/cancel$/.exec(path)?.[1]
  if (single) return { to: addressOf('/change/cancel', { ids: single }), label: 'Cancel…', needs: 'change' }
  const kind = /^\/api\/v1\/jobs\/batch\/([a-z]+)/.exec(path)?.[1]
  if (kind === undefined) return undefined
  const { job_id, ...options } = body
  return {
    to: addressOf(`/change/${kind}`, textsOf({ ids: job_id, ...options })),
    label: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}…`,
    needs: 'change',
  }
}

const textsOf = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
