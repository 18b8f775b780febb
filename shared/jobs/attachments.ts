import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, Integer, optional, queryNumber, ScopeName } from '../scope.ts'
import { PathJobId, TypedJobId, text } from '../work/job.ts'
import { Switch } from './job-filter.ts'

const kinds = ['log', 'artifact', 'tag'] as const

const Kind = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(kinds, `must be one of ${kinds.join(', ')}`))

const mostTextBytes = 2 ** 20
const Text = text(mostTextBytes).refine(
  (value) => new TextEncoder().encode(value).length <= mostTextBytes,
  `must be at most ${mostTextBytes} bytes of UTF-8`,
)

/** A text that may be left out, or sent as null or empty. White space is a text. */
const OptionalText = z
  .preprocess((value) => (value === null || value === '' ? undefined : value), Text.optional())
  .optional()

const Url = text(4096)
  .trim()
  .refine((url) => /^https?:\/\/[^\s\p{Cc}]+$/iu.test(url) && URL.canParse(url), 'must be a URL of http or https')

const time = Instant.nullable()
const string = z.string().nullable()

export const Attachment = z.object({
  id: Integer.describe('The id of the attachment.'),
  kind: string.describe('`log`, `artifact` or `tag`.'),
  content_text: string.describe('The text; null for a URL.'),
  url: string.describe('The URL; null for a text.'),
  created_at: time.describe('When it was added.'),
})
export type Attachment = z.output<typeof Attachment>

const domain = optional(ScopeName).describe('the domain that the job must have')

export const addAttachment = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/attachments',
  meaning: 'Adds a text of at most 1 MiB, or a URL, to a job that exists.',
  forPrograms: true,
  needs: 'single',
  scoped: 'narrowed',
  verb: 'attachments',
  query: ['domain'],
  input: z
    .strictObject({
      id: PathJobId.describe('the id of the job, or its uuid'),
      domain,
      kind: Kind.describe('`log`, `artifact` or `tag`'),
      content_text: OptionalText.describe('the text, at most 1 MiB of UTF-8; a text or a URL is needed'),
      url: optional(Url).describe('where the attachment is, by http or https'),
    })
    .refine(({ content_text, url }) => content_text !== undefined || url !== undefined, {
      path: ['content_text'],
      message: 'or url is required',
    }),
  output: Attachment,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  // JSON may write each byte of a text as six.
  documents: 5,
})

export const listAttachments = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/:id/attachments',
  aliases: ['/api/v1/jobs/job/attachments'],
  keyed: '/api/v1/jobs/job/attachments',
  meaning:
    'The attachments of a job by their ids, also from the archive. The header `Link` has the next page, which begins earlier after large texts. A token with a role sees them masked; one that asks for them without the mask (`redact=false`) leaves an event `job.revealed`.',
  needs: 'payloads',
  scoped: 'narrowed',
  verb: 'attachments',
  input: z.strictObject({
    id: TypedJobId.describe('the id of the job'),
    domain,
    after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0).describe('only attachments after this id, to turn the page'),
    limit: queryNumber(1, 1000, 500).describe('the most rows to answer'),
    redact: optional(Switch).describe(
      '`true` masks values whose names look secret (`JOBS_REDACT_KEYS`); absent means `true` for a token with a role, and `false` for the single-user key and a token without one',
    ),
  }),
  output: z.array(Attachment),
  changes: () => false,
})
