import { Failure } from '../../shared/errors.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'

/** Who made a token, or a secret of it, at the shell: beside the database, where approvals do not reach. */
const atShell = 'jobs-server'

/** An SQL expression on `jobsctl_tokens`, a list as JSON: the callers that may know a secret of the token, since they made or rotated it. */
export const secretsBy = staticFragment(
  (sql) => sql`coalesce(secrets_by, to_jsonb(array_remove(array[made_by], null)), '[]')`,
)

/**
 * A recursive CTE `knowing (side, id)`: the callers of `asked`, those that may know their secrets, and those that may know the secrets of these.
 * @param asked a query of `side` and `id`
 */
const knowing = (sql: Sql, asked: Fragment): Fragment => sql`
  knowing (side, id) as (
    ${asked}
    union
    select side, maker
    from knowing
    join jobsctl_tokens using (id)
    cross join jsonb_array_elements_text(${secretsBy(sql)}) as maker
  )`

/**
 * Notes that the secret of a token was rotated, and by whom. A secret that was made over HTTP is known to the caller that got it, and to all
 * that may know the secret of that caller. At the shell a rotation that ends the old secret at once makes them all forget.
 * @param by the id of the caller; undefined at the shell
 */
export async function noteRotation(
  tx: Sql,
  id: string,
  { by, overlapSeconds }: { by: string | undefined; overlapSeconds: number },
): Promise<void> {
  if (by === undefined) {
    if (overlapSeconds === 0)
      await tx`update jobsctl_tokens set secrets_by = to_jsonb(array[${atShell}::text]) where id = ${id}`
    return
  }
  await tx`
    with recursive ${knowing(tx, tx`select 'token', unnest(array[${id}, ${by}]::text[])`)}
    update jobsctl_tokens
    set secrets_by = (
      select coalesce(jsonb_agg(knowing.id order by knowing.id), '[]') from knowing where knowing.id <> ${id}
    )
    where jobsctl_tokens.id = ${id}`
}

/** A caller, and whom it is for. */
export interface Person {
  caller: string
  principal: string
}

/**
 * Finds who may be both of two callers: their common principal, or the principal of a caller that may know a secret of both. A caller
 * counts that is the one and may know a secret of the other.
 * @returns undefined where they are two
 */
async function findBehindBoth(tx: Sql, one: Person, other: Person): Promise<string | undefined> {
  const [behind] = await tx<{ principal: string }[]>`
    with recursive ${knowing(tx, tx`values ('one', ${one.caller}::text), ('other', ${other.caller}::text)`)},
    people (side, principal) as (
      values ('one', ${one.principal}::text), ('other', ${other.principal}::text)
      union
      select side, coalesce(grants.principal, token.name, knowing.id)
      from knowing
      left join jobs_api_tokens as token using (id)
      left join jobsctl_tokens as grants using (id)
      where knowing.id not in (${atShell}, 'single-user')
    )
    select principal
    from people as one
    join people as other using (principal)
    where one.side = 'one' and other.side = 'other'
    order by principal <> ${one.principal}::text, principal <> ${other.principal}::text, principal
    limit 1`
  return behind?.principal
}

/**
 * Whether a holder of the secrets of some callers may know the secret of another one: it is one of them, or they made or rotated it, or a token
 * that did. Who made a token at the shell is not known.
 */
export async function mayKnow(sql: Sql, holders: readonly string[], caller: string): Promise<boolean> {
  const held = holders.filter((holder) => holder !== atShell)
  const [{ known }] = await sql<[{ known: boolean }]>`
    with recursive ${knowing(sql, sql`values ('caller', ${caller}::text)`)}
    select exists (select from knowing where id = any(${held}::text[])) as known`
  return known
}

/**
 * Refuses a second person that may be the first one.
 * @param what what the first person has done, such as `plan 12`
 * @throws Failure `forbidden`
 */
export async function requireAnother(
  tx: Sql,
  { first, second, what }: { first: Person; second: Person; what: string },
): Promise<void> {
  const behind = await findBehindBoth(tx, first, second)
  if (behind === undefined) return
  throw new Failure('forbidden', `${whyOne(behind, first, second, what)}; nothing was changed`, {
    hint: 'an admin, or another principal with --approver, may: by single sign-on, or with a token whose secret was made at the shell: jobs-server token create, or jobs-server token rotate <id> --overlap 0',
  })
}

function whyOne(behind: string, first: Person, second: Person, what: string): string {
  if (first.principal === second.principal) return `${what} is of your own principal, ${behind}`
  if (behind === first.principal)
    return `${behind}, of whom ${what} is, has made or rotated the token ${second.caller}, or a token that made or rotated it`
  if (behind === second.principal)
    return `${behind}, your principal, has made or rotated the token ${first.caller}, of which ${what} is, or a token that made or rotated that one`
  return `${behind} has made or rotated both the token ${first.caller}, of which ${what} is, and the token ${second.caller}, or tokens that made or rotated these`
}
