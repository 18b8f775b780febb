import { expect, it } from 'vitest'
import { completed, completionsOf, readFilter, tooLong } from '../../../ui/parts/filter-words.ts'

const fields = [
  { name: 'status', label: 'Status', words: ['queued', 'failed'], isList: true },
  { name: 'job_type', label: 'Job type', also: ['type'] },
  { name: 'owner_user_id', label: 'Owner', word: 'owner' },
  { name: 'created_after', label: 'Created from', also: ['since'] },
  { name: 'error', label: 'Error' },
  { name: 'payload', label: 'Payload has', hasParts: true },
]

it.each([
  ['status:failed,queued', { status: 'failed,queued' }],
  ['error:"no route to \\"x\\""  type=mail', { error: 'no route to "x"', job_type: 'mail' }],
  ['job-type:a', { job_type: 'a' }],
  ['job_type:b', { job_type: 'b' }],
  ['payload.customer.id=7 owner:a=b:c', { 'payload.customer.id': '7', owner_user_id: 'a=b:c' }],
  ['since:mark:deploy', { created_after: 'mark:deploy' }],
  ['since:"mark:deploy 4711"', { created_after: 'mark:deploy 4711' }],
  ['  ', {}],
])('reads %s', (text, filter) => {
  expect(readFilter(text, fields)).toEqual({ filter, wrong: [] })
})

it('tells what is no filter, and takes a text alone where it means something', () => {
  expect(readFilter('payload:7 colour:red late', fields).wrong).toHaveLength(2)
  expect(readFilter('late status:failed "at night"', fields, (error) => ({ error }))).toEqual({
    filter: { status: 'failed', error: 'late at night' },
    wrong: [],
  })
})

it('leaves out nothing that was typed twice: values of a list are one list, and of another field it is told', () => {
  expect(readFilter('status:failed status:queued', fields)).toEqual({ filter: { status: 'failed,queued' }, wrong: [] })
  expect(readFilter('type:a job_type:b payload.a=1 payload.b=2', fields)).toEqual({
    filter: { job_type: 'a', 'payload.a': '1', 'payload.b': '2' },
    wrong: ['The filter “job_type” takes one value, and has two here.'],
  })
})

it.each(['error:timeout late', 'late error:timeout'])('joins no word to a filter with a name: %s', (text) => {
  expect(readFilter(text, fields, (error) => ({ error })).wrong).toEqual([
    'The filter “error” takes one value, and has two here.',
  ])
})

it('says which text is too long before the server does, by the limits of the schemas', () => {
  const [fits, over] = ['🙂'.repeat(128), 'x'.repeat(129)]
  expect(tooLong({ job_type: ` ${fits} `, error: over, created_after: over.repeat(9) }, fields, true)).toEqual([])
  expect(tooLong({ job_type: over }, fields, true)).toEqual([
    'The filter “job_type” takes at most 128 characters, and this text has 129.',
  ])
  expect(tooLong({ job_type: over }, fields, false)).toEqual([])
  expect(tooLong({ 'payload.a': over.repeat(2), error: over.repeat(2) }, fields, false)).toHaveLength(2)
})

it('completes names, words and values, also within a list', () => {
  const texts = (text: string) =>
    completionsOf(text, fields, { job_type: ['mail', 'a b'] }).map((one) => completed(text, one))
  expect(texts('status:failed ow')).toEqual(['status:failed owner:'])
  expect(texts('type:a')).toEqual(['type:mail ', 'type:"a b" '])
  expect(texts('status:queued,f')).toEqual(['status:queued,failed '])
  expect(texts('error:x')).toEqual([])
  expect(texts('pay')).toEqual(['payload.'])
})
