type Client = 'jobsctl' | 'page'
type Words = Readonly<Record<Client, string>>

const same = (words: string): Words => ({ jobsctl: words, page: words })

/** What servers say to any program, and what a person types or clicks in its place. In this order; `$1` is a group of the expression. */
const table: readonly (readonly [said: RegExp, words: Words])[] = [
  [
    /run it again with another Idempotency-Key to go on; the same key repeats this answer/g,
    { jobsctl: 'run the same command again to go on', page: 'preview it again, and confirm it to go on' },
  ],
  [/this Idempotency-Key belongs to another request/g, same('the request was made before, for something else')],
  [
    /a new request needs a new key/g,
    { jobsctl: 'run the command again', page: 'load the page again, and preview it again' },
  ],
  [
    /the request can be sent again with the same idempotency key or completion token/g,
    {
      jobsctl: 'look whether it was done before you run it again',
      page: 'look whether it was done before you try again',
    },
  ],
  [/the key (\S+) of preview_token/g, same('the key $1 of the preview')],
  [/\bpreview_token\b/g, same('the preview')],
  [/, which goes on where this call ended; with partial=true .*$/g, same(': it goes on where this call ended')],
  [/add max, the most jobs/g, { jobsctl: 'add --max, the most jobs', page: 'set the limit, the most jobs' }],
  [
    /set with_foreign_rows to delete them/g,
    { jobsctl: 'add --with-foreign-rows to delete them', page: 'choose to delete them, too' },
  ],
  [
    /\bGET \/api\/v1\/jobs\/stats lists the queues/g,
    { jobsctl: 'jobsctl stats lists the queues', page: 'Overview lists the queues' },
  ],
  [/\bGET \/api\/v1\/jobs\/stats\b/g, { jobsctl: 'jobsctl stats', page: 'Overview' }],
  [/\bGET \/api\/v1\/jobs\/clusters\b/g, { jobsctl: 'jobsctl clusters', page: 'Failures' }],
  [
    /\bplan (it|the policy): POST .*, on the command line --propose with --reason/g,
    { jobsctl: 'plan $1: --propose with --reason', page: 'plan $1, with a reason' },
  ],
  [
    /with X-Emergency and a reason/g,
    { jobsctl: 'with --emergency and --reason', page: 'as an emergency, with a reason' },
  ],
  [/: set X-Confirm: true/g, { jobsctl: ': add --yes', page: ': preview it again' }],
  [/needs a reason in X-Reason/g, { jobsctl: 'needs --reason', page: 'needs a reason' }],
  [/with_foreign_rows deletes rows/g, { jobsctl: '--with-foreign-rows deletes rows', page: 'the change deletes rows' }],
  [
    /make another one first: POST \/api\/v1\/tokens;/g,
    same('make another one first: jobsctl token create <name> --role admin;'),
  ],
  [/\bPOST \/api\/v1\/\S+, or (?=jobs-server )/g, same('')],
  [
    /log in again \((?:POST )?\/\S+\), then send the call again/g,
    { jobsctl: 'log in again, then run the command again', page: 'log in again, then try again' },
  ],
  [/send it as (?:X-API-KEY|Authorization: Bearer <token>)/g, same('log in with one')],
  [/\bsend the call again\b/g, { jobsctl: 'run the command again', page: 'try again' }],
]

/**
 * A sentence of a server in the words of the client that shows it: no header, field or path that its reader cannot type or click.
 * A sentence that is in none of the forms above stays as it is.
 */
export const inWordsOf = (client: Client, sentence: string): string =>
  table.reduce((text, [said, words]) => text.replaceAll(said, words[client]), sentence)
