import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { keyedPath, placeFields, queryOf } from '../../../cli/http/request-url.ts'
import { jobIdOf, jobIdsOf } from '../../../cli/settings/job-id.ts'
import { signToken } from '../../../server/bulk/token/preview-token.ts'
import { openCursor, sealCursor } from '../../../server/endpoints/paging.ts'
import { Ids } from '../../../shared/changes/filtered-change.ts'
import { jobFilterFields } from '../../../shared/jobs/job-filter.ts'
import { showJob } from '../../../shared/jobs/show.ts'
import { GivenJobId, TypedJobId } from '../../../shared/work/job.ts'
import { compareJobIds, type JobId, keyParts, keyText, listedJobId, readJobId } from '../../../shared/work/job-key.ts'

/** Any text, half characters and NUL among them. */
const anyText = fc.string({ unit: 'binary', maxLength: 40 })
/** What PostgreSQL can store. */
const stored = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\0\p{Cs}]/u.test(text))
const odd = fc.constantFrom(
  'a/b',
  '%2F',
  '100%',
  "o'clock",
  '"',
  '\\',
  '{1,2}',
  'a,b',
  ' x ',
  'Ü📚',
  '\n',
  '8123',
  'x'.repeat(200),
)
const part = fc.oneof(stored, odd).filter((text) => text !== '')
const key = fc.record({ queue: part, id: part }).map(keyText)

describe('the text of a key', () => {
  it('gives its parts back, whatever they are', () => {
    fc.assert(
      fc.property(anyText, anyText, (queue, id) => {
        expect(keyParts(keyText({ queue, id }))).toEqual({ queue, id })
        expect(keyParts(keyText({ queue: undefined, id }))).toEqual({ queue: undefined, id })
      }),
    )
  })

  it('has one slash, no control character, and is read as it is written', () => {
    fc.assert(
      fc.property(part, part, (queue, id) => {
        const text = keyText({ queue, id })
        expect(text.split('/')).toHaveLength(2)
        expect(text).not.toMatch(/\p{Cc}/u)
        expect(readJobId(text)).toBe(text)
      }),
    )
  })

  it('is a uuid also where all of its digits are decimal', () => {
    const uuid = '11111111-0000-4000-8000-000000000000'
    expect([readJobId(uuid), jobIdsOf([uuid])]).toEqual([uuid, [uuid]])
  })

  it('is the same for every way of escaping it', () => {
    fc.assert(
      fc.property(part, part, (queue, id) => {
        const whole = `${encodeURIComponent(queue)}/${encodeURIComponent(id)}`
        expect(readJobId(whole)).toBe(keyText({ queue, id }))
      }),
    )
  })

  it.each([
    '',
    ' ',
    '0',
    '-1',
    '1.5',
    '007',
    '9007199254740993',
    'a\nb',
    'a\0',
    'a%00/b',
    'a%zz',
    '/',
    '\ud800',
    'x'.repeat(5000),
  ])('is not %j', (text) => expect(readJobId(text)).toBeUndefined())

  it('may be empty after a queue, as the key of a table may be', () => expect(readJobId('q/')).toBe('q/'))

  it('is a number for digits', () => expect(readJobId('8123')).toBe(8123))
})

describe('a key goes through', () => {
  it('the command line and a URL', () => {
    fc.assert(
      fc.property(key, (text) => {
        const id = jobIdOf(text, '')
        const at = keyedPath(showJob, { id, redact: 'true' })
        const { path, fields } = placeFields(at.path, at.input)
        const url = new URL(`http://host${path}?${queryOf(fields)}`)
        expect([url.pathname, TypedJobId.parse(url.searchParams.get('key'))]).toEqual(['/api/v1/jobs/job', text])
      }),
    )
  })

  it('a list in a query, and one in a body', () => {
    const Query = z.object({ ids: jobFilterFields.ids })
    fc.assert(
      fc.property(fc.array(fc.oneof(key, fc.integer({ min: 1 })), { minLength: 1, maxLength: 5 }), (ids) => {
        expect(Query.parse({ ids: ids.map(listedJobId).join(',') }).ids).toEqual(ids)
        expect(Ids.parse(JSON.parse(JSON.stringify(ids)))).toEqual(ids)
        expect(jobIdsOf(ids.map(String))).toEqual(ids)
        expect(ids.map((id) => GivenJobId.parse(id))).toEqual(ids)
      }),
    )
  })

  it('the token of a preview', async () => {
    const subject = { kind: 'retry', filters: {}, caller: 'ann', within: undefined }
    await fc.assert(
      fc.asyncProperty(fc.array(key), async (excluded) => {
        const counted = { as_of: '', snapshot: '1:1:', count: 0, excluded, origin: undefined } as const
        const token = signToken('k', subject, counted)
        const [body = ''] = token.split('.')
        expect(JSON.parse(Buffer.from(body, 'base64url').toString()).except).toEqual(excluded)
      }),
    )
  })

  it('a cursor', () => {
    const Cursor = z.object({ id: TypedJobId })
    fc.assert(
      fc.property(key, (id) => {
        const cursor = sealCursor({ id }, { limit: 1 })
        expect(openCursor({ limit: 1, cursor }, Cursor)).toEqual({ id })
      }),
    )
  })
})

it('keeps the messages of numbers', () => {
  const faults = (schema: z.ZodType, value: unknown) =>
    schema.safeParse(value).error?.issues.map(({ message }) => message)
  expect(faults(GivenJobId, 0)).toEqual(['must be at least 1'])
  expect(faults(GivenJobId, '8123')).toEqual(['must be a whole number'])
  expect(faults(TypedJobId, '-5')).toEqual(['must be an id, such as 8123'])
  expect(faults(TypedJobId, '9999999999999999')).toEqual([
    'must be a whole number',
    `must be at most ${Number.MAX_SAFE_INTEGER}`,
  ])
  expect(faults(Ids, ['8123'])).toEqual(['must be a list of ids, such as [8123, 8124]'])
})

it('sorts numbers by value, and texts by their code points', () => {
  const sorted = (...ids: JobId[]) => ids.toSorted(compareJobIds)
  expect(sorted(10, 9)).toEqual([9, 10])
  fc.assert(
    fc.property(stored, stored, (one, other) => {
      const bytes = Math.sign(Buffer.compare(Buffer.from(one), Buffer.from(other)))
      expect(Math.sign(compareJobIds(one, other))).toBe(bytes)
    }),
  )
})
