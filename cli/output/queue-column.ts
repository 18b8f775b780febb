import type { Column } from './table.ts'

interface InQueue {
  domain: string
  queue: string
}

/** The name of a queue with its domain, as a command takes it. */
export const queueName = ({ domain, queue }: InQueue): string => `${domain}/${queue}`

/** The name of a queue as a command takes it where the server has one domain alone: a name with a slash needs its domain. */
export const bareQueueName = ({ domain, queue }: InQueue): string =>
  queue.includes('/') ? queueName({ domain, queue }) : queue

/** The queue of a row for people. */
export const queueColumn: Column<InQueue> = { title: 'queue', value: queueName, bare: bareQueueName, gives: 'never' }
