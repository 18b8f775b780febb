import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Integer } from '../scope.ts'

/** Versions of the schema of an engine. */
const Versions = z.object({
  lowest: Integer.describe('The lowest version that is tested.'),
  highest: Integer.describe('The highest version that is tested.'),
})

const ServedEngine = z.object({
  engine: z.string().describe('The name of the engine, such as `own` or `pg-boss`.'),
  schema: z
    .string()
    .nullable()
    .describe(
      'The schema of its tables, which is the domain of its jobs; null for own jobs, which have domains of their own.',
    ),
  mode: z.string().describe('`own`; `look` where nothing can be changed, and `admin` where it can.'),
  changes: z
    .union([z.literal(true), z.string()])
    .describe('Whether jobs can be changed at all: true, or a sentence that says why not and what to do.'),
  verbs: z
    .record(z.string(), z.union([z.literal(true), z.string()]))
    .describe('Each verb with true, or a sentence: what the engine cannot, and what to do instead.'),
  version: z.string().optional().describe('The version of its tables and what is tested: to callers that may govern.'),
  tested: z
    .object({
      reads: Versions.describe('The versions whose jobs are read.'),
      writes: Versions.describe('The versions whose jobs are changed.'),
    })
    .optional()
    .describe('The versions of its tables that are tested: to callers that may govern.'),
  lacks: z
    .array(
      z.object({
        right: z.string().describe('The right that is lacking, such as `update on pgboss.job`.'),
        grant: z.string().describe('The statement of SQL that gives it.'),
      }),
    )
    .optional()
    .describe(
      'The rights that the role of the server lacks, and the statement that gives each: to callers that may govern.',
    ),
})

/** Servers up to 0.2.0 do not have this call: they serve own jobs. */
export const showEngine = endpoint({
  method: 'GET',
  path: '/api/v1/engine',
  meaning:
    'The engines whose jobs the server serves, and for each verb `true`, or a sentence that says what the engine cannot and what to do instead. A token with a scope sees the engines within it. To callers that may govern: versions, the rights that the role of the server lacks, and tables that look like queues (`queue_like`). Servers up to 0.2.0 answer 404, and serve own jobs.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'always',
  input: z.strictObject({}),
  output: z.object({
    engines: z.array(ServedEngine).describe('The engines that the server serves.'),
    queue_like: z
      .array(z.string())
      .optional()
      .describe(
        'Tables that look like queues, that the server does not serve and for which `jobs-server init --detect` proposes a map: to callers that may govern, without a scope.',
      ),
  }),
  changes: () => false,
})
