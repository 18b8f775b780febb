import type { JsonSchema } from './schemas.ts'

const text = { type: 'string' }

/** The body of an error. */
export const problemSchema: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: text,
    title: text,
    status: { type: 'integer', description: 'The status of the response.' },
    detail: { ...text, description: 'A sentence for people: what happened, and what was changed.' },
    code: { ...text, description: 'A stable word, such as `preview_stale`. A later version may have further codes.' },
    request_id: text,
    hint: { ...text, description: 'What to do next.' },
    retry_with: { ...text, description: 'What a repeated request must change to have another outcome.' },
    errors: {
      type: 'array',
      items: { type: 'object', required: ['path', 'message'], properties: { path: text, message: text } },
    },
    oldest_id: { type: ['integer', 'null'], description: 'Beside `events_reset` and `events_expired`.' },
    newest_id: { type: 'integer', description: 'Beside `events_reset` and `events_expired`.' },
    refused_by_database: {
      type: 'boolean',
      description:
        'Beside `database_unavailable`, where the database refuses the role, the password or the name of the database, a right is missing, ' +
        'or the system below PostgreSQL fails. Another try is refused, too, until an operator has changed that.',
    },
  },
}

/** What a JSON schema cannot say about inputs. A call that keeps the schema and breaks one of these rules is a 422, too. */
export const invalidRules = `The admin plane for job queues in PostgreSQL.

Of inputs the schemas say what a careful caller sends. The server also takes null and a blank text for a field that may be left out, words in
upper case, and texts with spaces around them. It refuses, with 422 and beyond what the schemas say: unknown fields and fields that are
given twice; texts that are blank, have control characters, or are longer in characters than the limit; times before the year 1 and after
the year 9999; numbers that JSON cannot carry exactly; values beyond a setting of the server; cursors and dependencies that do not
exist; and calls whose fields contradict or need each other, as the meanings of the fields say. Responses may have further fields in a later version.`
