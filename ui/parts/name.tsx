interface NameProps {
  /** A name that anybody may have given: of a queue, a job type, an owner, a worker. */
  of: string
}

/**
 * A name in a direction of its own: one that is written from right to left does not turn round what stands beside it. Its invisible
 * characters are shown by `plain-text.ts`, as in every other text.
 */
export const Name = ({ of }: NameProps) => (of === '' ? <span class="faint">(no name)</span> : <bdi>{of}</bdi>)

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
