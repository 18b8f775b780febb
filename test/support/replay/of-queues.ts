import { fault, get, type Row, send, strict } from './row.ts'
import type { Shape } from './shape.ts'

const group = { domain: 'string', queue: 'string', job_type: 'string' } as const
const counts = { queued: 'int', scheduled: 'int', processing: 'int', quarantined: 'int' } as const

const event: Shape = {
  ...{ id: 'int', job_id: 'int?', domain: 'string?', queue: 'string?', job_type: 'string?', event_type: 'string' },
  ...{ attrs: 'object', owner_user_id: 'string?', request_id: 'string?', trace_id: 'string?', created_at: 'time?' },
}

/** Counts, queues and events. */
export const ofQueues: readonly Row[] = [
  { route: 1, what: 'stats', call: get('/stats'), shape: [{ ...group, ...counts }], answer: 'same' },
  { route: 1, what: 'stats with an unknown filter', call: get('/stats?owner=o'), answer: strict },
  {
    ...{
      route: 6,
      what: 'control, the action in any case',
      call: send('POST', '/queue/control', { domain: 'chatbooks', queue: 'default', action: 'PAUSE' }),
    },
    ...{ shape: { paused: 'bool', drain: 'bool' }, answer: 'superset', body: { paused: true, drain: false } },
  },
  {
    route: 6,
    what: 'control, an unknown action',
    call: send('POST', '/queue/control', { domain: 'chatbooks', queue: 'default', action: 'stop' }),
    answer: fault,
  },
  {
    ...{ route: 7, what: 'the status of an unknown queue', call: get('/queue/status?domain=a&queue=b') },
    ...{ shape: { paused: 'bool', drain: 'bool' }, answer: 'same', body: { paused: false, drain: false } },
  },
  { route: 7, what: 'the status without a queue', call: get('/queue/status?domain=a'), answer: fault },
  { route: 8, what: 'events', call: get('/events'), shape: [event], answer: 'same', body: { length: 200 } },
  {
    route: 8,
    what: 'events, a limit too high',
    call: get('/events?limit=5000'),
    answer: 'same',
    body: { length: 250 },
  },
  { route: 8, what: 'events, a limit too low', call: get('/events?limit=-5'), answer: 'same', body: { length: 1 } },
  { route: 8, what: 'events before the first id', call: get('/events?after_id=-1'), answer: strict },
]
