import { randomUUID } from 'node:crypto'

const plain = /^[\w.:-]{1,128}$/

/** A caller's own request id is kept when it is short and plain. */
export const requestIdOf = (own: unknown): string => (typeof own === 'string' && plain.test(own) ? own : randomUUID())
