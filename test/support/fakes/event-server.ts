import { type FakeServer, fakeServer, type Reply } from './fake-server.ts'

/** An event as a server tells it; any server may leave out what is not a key. */
export interface FakeEvent {
  id: number
  event_type: string
  created_at?: string
  [field: string]: unknown
}

/** A step in the life of a job; `id` seconds after noon. */
export const step = (id: number, event_type = 'job.created', more: object = {}): FakeEvent => ({
  ...{ id, event_type, job_id: 8000 + id, domain: 'chatbooks', queue: 'default', job_type: 'export', attrs: {} },
  created_at: new Date(Date.parse('2026-11-24T12:00:00Z') + 1000 * id).toISOString(),
  ...more,
})

/** `n` of them, with gaps between their ids. */
export const steps = (n: number, gap = 3): FakeEvent[] => Array.from({ length: n }, (_, at) => step(gap * (at + 1)))

/** A server with a log that a test may add to; while `trouble` has an answer, that is given instead. */
export const eventServer = (
  log: FakeEvent[],
  trouble: () => Reply | undefined = () => undefined,
): Promise<FakeServer> =>
  fakeServer(({ method, path }) => {
    const { pathname, searchParams } = new URL(path, 'http://log')
    if (method !== 'GET' || pathname !== '/api/v1/jobs/events') throw new Error(`requested ${method} ${path}`)
    const after = Number(searchParams.get('after_id'))
    const wanted = log.filter(({ id, domain }) => id > after && (searchParams.get('domain') ?? domain) === domain)
    return trouble() ?? { body: wanted.slice(0, Number(searchParams.get('limit'))) }
  })
