import { createHmac } from 'node:crypto'
import * as z from 'zod'
import type { World } from '../world.ts'

const Body = z.looseObject({ as_of: z.string(), seen: z.string() })

/** The body of the token of a preview. */
export const tokenBody = (token: string) =>
  Body.parse(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()))

/** Signs a token as a server on this database does, or with another key. */
export async function tokenSigner({ sql }: Pick<World, 'sql'>) {
  const [{ value }] = await sql<[{ value: string }]>`select value from jobsctl_settings where name = 'preview_key'`
  return (body: object, key = value): string => {
    const text = Buffer.from(JSON.stringify(body)).toString('base64url')
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
}
