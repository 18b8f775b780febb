import { expect, it } from 'vitest'
import { problemOf } from '../../../shared/problem.ts'

const fault = { path: 'limit', message: 'must be at most 100' }

it.each([
  {
    what: 'a sentence',
    body: { detail: 'no such job', code: 'not_found' },
    read: { detail: 'no such job', code: 'not_found' },
  },
  { what: 'faults', body: { detail: 'limit …', errors: [fault] }, read: { faults: [fault] } },
  { what: 'faults, of which one is malformed', body: { errors: [fault, { path: 1 }] }, read: { faults: [fault] } },
  {
    what: 'a list of {loc, msg}',
    body: {
      detail: [{ loc: ['path', 'id'], msg: 'is no number' }, { loc: 'body', msg: 'is missing' }, { msg: 'fails' }],
    },
    read: {
      detail: undefined,
      places: ['path', 'body', ''],
      faults: [
        { path: 'id', message: 'is no number' },
        { path: 'body', message: 'is missing' },
        { path: '', message: 'fails' },
      ],
    },
  },
  {
    what: 'a list of {loc, msg}, of which one is malformed',
    body: { detail: [{ msg: 1 }, { loc: ['body', 'id'], msg: 'is missing' }] },
    read: { detail: undefined, faults: [{ path: 'id', message: 'is missing' }] },
  },
  {
    what: 'a server in maintenance',
    body: { detail: { code: 'down', message: 'back at 9' } },
    read: { detail: 'back at 9' },
  },
  { what: 'other JSON', body: { detail: { message: 'no', more: 1 } }, read: { detail: '{"message":"no","more":1}' } },
  { what: 'long JSON', body: { detail: ['x'.repeat(1000)] }, read: { detail: `["${'x'.repeat(498)}` } },
  {
    what: 'malformed fields',
    body: { detail: 'fails', code: 7, hint: {} },
    read: { code: undefined, hint: undefined },
  },
  { what: 'an empty event log', body: { oldest_id: null, newest_id: 5 }, read: { oldestId: null, newestId: 5 } },
  ...[undefined, null, 'text', 7, [], {}].map((body) => ({
    what: `${JSON.stringify(body)}, which says nothing,`,
    body,
    read: { detail: undefined, faults: [], code: undefined },
  })),
])('$what is read', ({ body, read }) => {
  expect(problemOf(body)).toMatchObject(read)
})
