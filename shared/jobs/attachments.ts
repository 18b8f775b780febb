import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, queryNumber, ScopeName } from '../scope.ts'
import { PathId, text } from '../work/job.ts'
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

const string = z.string().nullable()

const Attachment = z.object({
  id: z.number(),
  kind: string,
  content_text: string,
  url: string,
  created_at: string,
})
export type Attachment = z.output<typeof Attachment>

const jobFields = {
  id: PathId,
  /** A job of another domain is not found. */
  domain: optional(ScopeName),
}

/** Adds a text or a URL to a job. */
export const addAttachment = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/attachments',
  forPrograms: true,
  needs: 'single',
  scoped: 'narrowed',
  query: ['domain'],
  input: z
    .strictObject({ ...jobFields, kind: Kind, content_text: OptionalText, url: optional(Url) })
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

/** The attachments of a job by their ids, also of a job in the archive. The header `Link` has the next page. */
export const listAttachments = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/:id/attachments',
  needs: 'payloads',
  scoped: 'narrowed',
  input: z.strictObject({
    ...jobFields,
    /** Only attachments with a higher id. */
    after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
    limit: queryNumber(1, 1000, 500),
    /** Masks values whose names look secret, by the rule of a job that is shown, and with the same event `job.revealed`. */
    redact: optional(Switch),
  }),
  output: z.array(Attachment),
  changes: () => false,
})
