import type { FleetMember } from '../../../shared/queues/fleet.ts'
import { call } from '../../api/call.ts'
import { Name } from '../../parts/name.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Freshness } from '../../parts/times.tsx'
import { useLoad, usePolling } from '../../state/calls.ts'
import { caller } from '../../state/session.ts'

const everyMs = 15_000

/** The other servers of this one's file, each a link to its dashboard; nothing where there are none. Asked for once the queues are shown. */
export function Fleet() {
  const isTold = !caller.value?.scope
  const loaded = useLoad(String(isTold), async (signal) => (isTold ? call('fleet', {}, { signal }) : undefined))
  const servers = loaded.data?.servers ?? []
  usePolling(servers.length > 0, loaded, everyMs)
  if (servers.length === 0) return null
  return (
    <section aria-label="Other servers">
      <div class="bar head">
        <h2>
          {servers.length.toLocaleString('en')} other {servers.length === 1 ? 'server' : 'servers'}{' '}
          <span class="faint">{servers.length > 1 && 'worst first'}</span>
        </h2>
        <Freshness {...loaded} isLoading={false} />
      </div>
      <Rows
        label="Other servers, with their counts"
        rows={servers.toSorted(worstFirst)}
        columns={columns}
        keyOf={({ name }) => name}
      />
    </section>
  )
}

/** Servers without counts first, then by how many queues fail, and how often: not every server knows its rates. */
function worstFirst({ counts: one }: FleetMember, { counts: other }: FleetMember): number {
  if (!one || !other) return Number(one !== null) - Number(other !== null)
  return other.failing_queues - one.failing_queues || (other.failed_per_minute ?? 0) - (one.failed_per_minute ?? 0)
}

const number = (of: (counts: NonNullable<FleetMember['counts']>) => number | null) => {
  const cell = ({ counts }: FleetMember) => (counts && of(counts)?.toLocaleString('en')) ?? '–'
  return cell
}

const columns: readonly Column<FleetMember>[] = [
  [
    'Server',
    ({ name, url, why }) => (
      <>
        <a href={`${url}/ui/`} rel="noreferrer">
          <Name of={name} />
        </a>
        {why !== null && <span class="faint"> {why}</span>}
      </>
    ),
    'row',
  ],
  ['Failing a minute', number(({ failed_per_minute }) => failed_per_minute), 'number'],
  ['Failing queues', number(({ failing_queues }) => failing_queues), 'number'],
  ['Waiting', number(({ waiting }) => waiting), 'number'],
  ['Running', number(({ running }) => running), 'number'],
  ['Quarantined', number(({ quarantined }) => quarantined), 'number'],
]
