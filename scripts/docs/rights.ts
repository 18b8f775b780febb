import { allRights, type Right, rights, rightsOf, roleNames } from '../../shared/access/rights.ts'
import type { Scoped } from '../../shared/endpoint.ts'
import * as endpoints from '../../shared/endpoints.ts'
import { code, page, table } from './markdown.ts'

interface Declared {
  path: string
  needs: Right
  scoped: Scoped
  method?: string
}

const all: readonly Declared[] = Object.values(endpoints)

/** Which role has which right, and which calls need it. */
export const rightsPage = (): string =>
  page(
    'Roles and rights',
    'A token has one role, and a role has rights. Each call needs one right, and answers 403 `forbidden` without it. ' +
      '[Users](../deploy/users.md) has the commands that make tokens and give them roles. The key of single-user mode is `admin`.',
    '## Roles',
    table(
      ['right', 'its owner may', ...roleNames.filter(isShown).map(code)],
      allRights.map((right) => [
        code(right),
        rights[right],
        ...roleNames.filter(isShown).map((role) => (rightsOf({ role, may_enqueue: false }).has(right) ? 'yes' : '')),
      ]),
    ),
    'A worker that was made with `--may-enqueue` has the right `enqueue`, too. `legacy-admin` is what a token without a role is: it has ' +
      'every right but `break_glass` and `edit`. An operator that was made with `--may-edit` has the right `edit`, too.',
    '## Calls',
    table(
      ['right', 'calls that need it'],
      allRights.map((right) => [
        code(right),
        all
          .filter(({ needs }) => needs === right)
          .map(({ method = 'GET', path }) => code(`${method} ${path}`))
          .join(', '),
      ]),
    ),
    'Calls of sessions that need no credentials (`POST` and `GET /api/v1/session`) are listed under `identity`, without which nobody logs in. In a ' +
      'session, changes that need `govern` or `approve` are 403 `login_too_old` from 15 minutes after the login on.',
    'A list of jobs with a filter on `payload` or `error` needs `payloads` as well, since a caller that may not see a value could guess it by filters.',
    '## Calls of a token with a scope',
    'A token can be limited to domains, queues and job types ([users](../deploy/users.md#a-scope-domains-queues-and-job-types)). For its calls, what lies ' +
      'outside does not exist. Calls that cannot be narrowed answer 403 `forbidden`:',
    table(
      ['call', 'is not served, since'],
      all.flatMap(({ method = 'GET', path, scoped }) =>
        typeof scoped === 'string' ? [] : [[code(`${method} ${path}`), scoped.refused]],
      ),
    ),
  )

const isShown = (role: string): boolean => role !== 'legacy-admin'
