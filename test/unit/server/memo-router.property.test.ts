import fc from 'fast-check'
import type { Result, Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'
import { expect, test } from 'vitest'
import { MemoRouter } from '../../../server/http/request/memo-router.ts'
import { routerPathOf } from '../../../server/http/route-paths.ts'
import * as endpoints from '../../../shared/endpoints.ts'

/** The routes of the API, and one that has two parameters. */
function withRoutes(router: Router<string>): Router<string> {
  router.add('ALL', '/api/*', 'every call')
  for (const endpoint of Object.values(endpoints))
    if ('method' in endpoint) router.add(endpoint.method, routerPathOf(endpoint.path), `run ${endpoint.path}`)
  router.add('GET', '/api/v1/jobs/:id/parts/:part', 'two parameters')
  return router
}

/** The handlers of a match, each with the values of its parameters. */
const resolved = ([found, values]: Result<string>) =>
  found.map(([handler, parameters]) => [
    handler,
    Object.fromEntries(
      Object.entries(parameters).map(([name, at]) => [name, values === undefined ? at : values[Number(at)]]),
    ),
  ])

const part = fc.constantFrom('1', '12', '007', '3a', '', 'batch', 'acquire', 'complete', 'parts', 'list', 'x%20y', '\n')
const path = fc.oneof(
  fc.array(part, { maxLength: 5 }).map((parts) => ['/api/v1/jobs', ...parts].join('/')),
  fc.constantFrom('/', '/api', '/api/', '/12', '/api/12/v1', `/api/v1/jobs/${'1'.repeat(120)}/complete`),
)

test('a router that remembers paths matches what the tree matches, at the first time and later', () => {
  const [tree, memo] = [withRoutes(new TrieRouter()), withRoutes(new MemoRouter())]
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'DELETE', 'PATCH'),
      fc.array(path, { minLength: 1 }),
      (method, paths) => {
        for (const one of [...paths, ...paths])
          expect(resolved(memo.match(method, one))).toEqual(resolved(tree.match(method, one)))
      },
    ),
    { numRuns: 1000 },
  )
})

test('more paths than are remembered are matched as before', () => {
  const memo = withRoutes(new MemoRouter())
  for (let n = 0; n < 2000; n++) memo.match('GET', `/api/v1/nothing-${n}`)
  expect(resolved(memo.match('POST', '/api/v1/jobs/7/complete'))).toContainEqual([
    'run /api/v1/jobs/:id/complete',
    { id: '7' },
  ])
})
