import { addressOf, canBeFound } from '../state/address.ts'
import { Link } from './controls.tsx'
import { QueueName } from './name.tsx'

interface QueueLinkProps {
  domain: string
  queue: string
}

/** The name of a queue, which leads to it where it can be found. */
export const QueueLink = ({ domain, queue }: QueueLinkProps) =>
  canBeFound(domain, queue) ? (
    <Link to={addressOf('/queue', { domain, queue })}>
      <QueueName {...{ domain, queue }} />
    </Link>
  ) : (
    <QueueName {...{ domain, queue }} />
  )
