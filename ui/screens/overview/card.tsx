import type { Overview } from '../../../shared/queues/overview.ts'
import { Link } from '../../parts/controls.tsx'
import { QueueLink } from '../../parts/queue-link.tsx'
import { canBeFound } from '../../state/address.ts'
import { can } from '../../state/engine.ts'
import { Minutes } from './minutes.tsx'
import { AfterMark, Cause, Extent, failuresAddress, Since } from './sentence.tsx'
import { PauseQueue } from './switch.tsx'

/** On a phone at night: what fails worst, where, since when, how often, and the brake. Wide screens have the same as a sentence. */
export function Card({ attention, marked }: Pick<Overview, 'attention' | 'marked'>) {
  const [worst] = attention
  if (worst?.kind !== 'failing') return null
  return (
    <section class="night" aria-label="Failing now">
      <p>
        <span class="badge bad">failing now</span>
      </p>
      <h2>
        <QueueLink domain={worst.domain} queue={worst.queue} />
      </h2>
      <p>
        <b class="bad">{Math.max(1, Math.round(worst.per_minute)).toLocaleString('en')} a minute</b>{' '}
        <Since {...worst} />
      </p>
      <p>
        <b>
          <Cause {...worst} />
        </b>
        <span class="faint">
          <Extent {...worst} />
        </span>
      </p>
      <Minutes domain={worst.domain} queue={worst.queue} />
      <p class="faint">
        <AfterMark of={worst} marked={marked} />
      </p>
      {canBeFound(worst.domain, worst.queue) && (
        <div class="act">
          {can('clusters') && (
            <Link to={failuresAddress(worst)} class="button primary">
              Look
            </Link>
          )}
          <PauseQueue key={`${worst.domain}/${worst.queue}`} domain={worst.domain} queue={worst.queue} />
        </div>
      )}
    </section>
  )
}
