import { randomUUID } from 'node:crypto'

const plain = /^[\w.:-]{1,128}$/

/** The caller's own request id when it is 1 to 128 plain characters, else a new UUID. */
export const requestIdOf = (own: unknown): string => (typeof own === 'string' && plain.test(own) ? own : randomUUID())
