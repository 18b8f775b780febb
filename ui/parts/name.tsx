import { personOf } from '../state/people.ts'

interface NameProps {
  /** A name that anybody may have given: of a queue, a job type, an owner, a worker. */
  of: string
}

/**
 * A name in a direction of its own: one that is written from right to left does not turn round what stands beside it. Its invisible
 * characters are shown by `plain-text.ts`, as in every other text.
 */
export const Name = ({ of }: NameProps) => (of === '' ? <span class="faint">(no name)</span> : <bdi>{of}</bdi>)

interface PersonProps {
  /** The id of a caller, as records, plans and events have it. */
  id: string
  /** For whom it calls, where the answer says so. */
  principal?: string | null | undefined
}

/** Who made something: for whom the caller calls, with its id in the tooltip. A caller that only reads is told ids alone. */
export function Person({ id, principal }: PersonProps) {
  const name = principal ?? personOf(id)
  return name === id ? <Name of={id} /> : <bdi title={id}>{name}</bdi>
}

/** A queue under its domain, which stands back. */
export const QueueName = ({ domain, queue }: { domain: string; queue: string }) => (
  <span class="queue-name">
    <span class="faint">
      <Name of={domain} />/
    </span>
    <b>
      <Name of={queue} />
    </b>
  </span>
)
