import { createHmac } from 'node:crypto'
import type { World } from '../world.ts'

interface Changed {
  as_of?: string
  count?: number
}

/**
 * The token of a dry run, as if its preview had been taken at another time or had counted something else: signed
 * with the key of the database, as only a server can.
 */
export async function resigned({ sql }: World, token: string, changed: Changed): Promise<string> {
  const [row] = await sql<[{ value: string }]>`select value from jobsctl_settings where name = 'preview_key'`
  const body: object = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  const text = Buffer.from(JSON.stringify({ ...body, ...changed })).toString('base64url')
  return `${text}.${createHmac('sha256', row.value).update(text).digest('base64url')}`
}

/** The token that an answer to a dry run has. */
export const tokenOf = ({ body }: { body: unknown }): string =>
  String(Reflect.get(Object(Reflect.get(Object(body), 'preview')), 'token'))

/** The token of a preview of this call, as if it had been taken at another time, and had counted so many. */
export async function tokenAsOf(world: World, path: string, body: object, changed: Changed): Promise<string> {
  return resigned(world, tokenOf(await world.post(path, body)), changed)
}
