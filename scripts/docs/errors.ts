import { type FailureCode, failureCodes, failures } from '../../shared/errors.ts'
import { exits } from '../../shared/exits.ts'
import { outcomeList } from '../../shared/outcomes.ts'
import { code, page, table } from './markdown.ts'

/** When each code is the answer. A code without a sentence does not compile. */
const meanings: Record<FailureCode, string> = {
  confirmation_required: 'a destructive call has no `X-Confirm: true`; nothing was changed',
  malformed_json: 'the body is empty, or is not JSON in UTF-8',
  malformed_request:
    'the request is not HTTP as the server reads it; 408, 417 or 431 where HTTP has a status for what is wrong with it',
  unauthenticated: 'there is no API key or token, or it is wrong, revoked or expired',
  forbidden: 'the caller is known, and has no right to make the call, or none for what it names; nothing was changed',
  login_too_old:
    'the login of the session is more than 15 minutes ago, and the call changes tokens or policies, blocks callers, approves, or erases jobs; nothing was changed',
  approval_required:
    'the change is of more jobs than may be changed without the approval of another principal, or the plan is not approved; nothing was changed',
  decide_elsewhere:
    'an agent proposed the plan, and its program may have the key, token or session of the call; nothing was changed',
  frozen:
    'somebody froze the database (`jobs-server freeze`): changes are refused, and calls of workers go on; nothing was changed',
  database_right_missing:
    'the role of the server lacks a right in the database (SQLSTATE 42501); the detail has the `grant` that gives it, and the error has `"refused_by_database": true`',
  records_missing:
    'the server only looks at the jobs of another engine, and has no tables for the records of a change; the hint says how to make them; nothing was changed',
  not_found: 'there is no such path, job or operation',
  method_not_allowed: 'the path exists for other methods; `Allow` lists them',
  conflict:
    'the state in the database does not allow the call: another change runs in the scope, the job has ended, a key stands for another request',
  queue_draining: 'the queue drains and takes no new jobs',
  lease_lost: 'the job is not held under this lease by this worker any more',
  preview_stale: 'the preview is used, expired, of other filters or of another caller; nothing was changed',
  events_reset:
    'the cursor is above every id that the event log has given out; `oldest_id` and `newest_id` say what it has',
  events_expired:
    'events after the cursor have been deleted, since their term was over; none is missing from `oldest_id` on',
  foreign_rows:
    'a prune without `with_foreign_rows` would delete rows of other tables along, which no undo gives back; nothing was changed',
  limit_exceeded: 'more jobs match than `max`, or than one change of the token may touch; nothing was changed',
  too_large: 'the body, a payload or a result is above the limit of the server',
  unsupported_media_type: 'the body is not plain `application/json` in UTF-8',
  not_supported: 'the engine that runs the jobs cannot do this; the hint says what to do instead; nothing was changed',
  preview_incomplete:
    'the jobs of a change could not be counted to the end in 10 s, or in the time of a statement (`JOBS_STATEMENT_TIMEOUT_SECONDS`), and the change has no `max` or needs the whole count; nothing was changed',
  misdirected:
    'a browser reached the server under a name that is not the one of `JOBS_PUBLIC_URL`, nor `localhost`; nothing was changed',
  invalid_request: 'the JSON has the wrong shape; `errors` lists every wrong field',
  rate_limited:
    'more than ten wrong keys or tokens in a minute came from the address, or for the token; `Retry-After` says when to try again',
  quota_exceeded:
    'the tokens of the principal have changed as many jobs in 24 hours as the token allows; the hint and `Retry-After` say when there is room',
  internal: 'the server made a mistake; the log has its cause under the `request_id`',
  database_unavailable:
    'the database cannot be reached, is read-only, lacks a table or refuses the role of the server; nothing was changed. Where it refuses the role, the password or the name of the database, or the system below PostgreSQL fails (SQLSTATE 28000, 28P01, 3D000, classes 53 and 58 without a full disk, memory or connections), the error has `"refused_by_database": true`',
  database_busy:
    'a lock, a deadlock or the longest statement time was met, or a table was altered; nothing was changed',
  partial: 'a bulk change stopped half-way; whole batches stand, and `detail` has their number of jobs',
  outcome_unknown:
    'the server cannot tell whether a change was made; of a bulk change, whole batches may have been made, and its record says how many',
  sign_on_unavailable:
    'the provider of single sign-on cannot be reached, and its keys are not known or older than an hour, or it refuses the client id or secret of the server; nothing was changed',
  shutting_down: 'the server is stopping; nothing was changed',
  unreachable: 'jobsctl cannot reach the server',
  timed_out: 'jobsctl waited until its deadline',
  unexpected_answer: 'jobsctl does not understand the answer',
  usage: 'a flag, value, scope or config of jobsctl is wrong',
  interrupted: 'jobsctl got SIGINT',
  terminated: 'jobsctl got SIGTERM',
}

/** The codes that jobsctl gives itself; a server never answers with one of them. */
const ofCommandLine = new Set<FailureCode>([
  'unreachable',
  'timed_out',
  'unexpected_answer',
  'usage',
  'interrupted',
  'terminated',
])

const rowOf = (name: FailureCode): string[] => [
  code(name),
  ofCommandLine.has(name) ? '' : String(failures[name].status),
  String(exits[failures[name].exit].code),
  meanings[name],
]

/** Every failure: its code on the wire, its HTTP status, and the exit code of jobsctl. */
export const errorsPage = (): string =>
  page(
    'Errors',
    'An error of the server is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail` (a sentence for ' +
      'people), `code` (a stable word from this table), `request_id` (the log of the server has it, too), sometimes `hint`, ' +
      'and with status 422 `errors`, a list of `{path, message}`.',
    table(['code', 'HTTP status', 'exit code', 'when'], failureCodes.map(rowOf)),
    'A code without an HTTP status is given by `jobsctl` itself, and never by a server. ' +
      'With `--json`, `jobsctl` writes `{"error": {code, detail, hint, exit, request_id}}` to stderr.',
  )

/** The exit codes of jobsctl. */
export const exitCodeTable = (): string =>
  table(
    ['code', 'name', 'when'],
    Object.values(exits).map(({ code, name, when }) => [String(code), name, when]),
  )

/** Which end of which command is which exit code. */
export const outcomeTable = (): string =>
  table(
    ['commands', 'what became of the jobs', 'exit code', 'counted in JSON by'],
    outcomeList.map(({ of, when, exit, json = '' }) => [
      of,
      when,
      String(exits[exit].code),
      json.split(', ').map(code).join(', '),
    ]),
  )
