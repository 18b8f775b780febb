import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { type Kind, newDatabase } from '../database/database.ts'
import { openWorld, type World } from '../world.ts'
import { bearer, makeScoped, makeToken } from './tokens.ts'

type Headers = Record<string, string>

/** A world whose server takes tokens: the calls of the tests are those of an admin, unless they name another caller. */
export async function openScopedWorld(kind: Kind, database = newDatabase(kind)): Promise<World> {
  const world = await openWorld(kind, { AUTH_MODE: 'multi_user' }, database)
  return asCaller(world, bearer(await makeToken(world.sql, 'boss', 'admin')))
}

/** The same world, in which the calls are those of this caller. */
const asCaller = (world: World, as: Headers): World => ({
  ...world,
  call: (method, path, body, headers) => world.call(method, path, body, { ...as, ...headers }),
  post: (path, body, headers) => world.post(path, body, { ...as, ...headers }),
  confirm: (path, body, headers) => world.confirm(path, body, { ...as, ...headers }),
})

/** The same world, in which the calls are those of an operator with a scope; and its token. */
export async function asOperator(world: World, scope: Partial<TokenScope>): Promise<World & { token: string }> {
  const token = await makeScoped(world.sql, 'operator', scope)
  return { ...asCaller(world, bearer(token)), token }
}
