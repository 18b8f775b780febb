import type { LimitFlags } from '../../shared/access/limits.ts'
import { givenRoles } from '../../shared/access/rights.ts'
import type { ScopeFlags } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { flagsIn } from '../settings/flags/flag.ts'

interface TokenFlags extends ScopeFlags, LimitFlags {
  role?: string
  principal?: string
  expires?: string
  overlap?: string
  mayEnqueue?: boolean
  approver?: boolean
  mayBreakGlass?: boolean
  mayEdit?: boolean
  of?: string
  all?: boolean
  tree?: boolean
}

const scope = 'WHICH JOBS'

const words = [
  'create',
  'list',
  'show',
  'set-role',
  'set-scope',
  'set-limits',
  'rotate',
  'suspend',
  'resume',
  'revoke',
] as const

export const token: CommandSpec<TokenFlags> = {
  name: 'token',
  group: 'ADMIN',
  summary: 'make, list, change and revoke bearer tokens',
  about:
    'create prints the new token alone on stdout: it is shown once, and nobody can print it again. list and show never show it. rotate prints another secret of the same token, and the old one works on for --overlap. --domain, --queue and --job-type limit a token of the roles viewer, producer, worker and operator. set-role, set-scope, suspend, resume and revoke act at once, on every server; revoke is for good. An admin may do all of this, an auditor list and show. jobs-server token does the same on the database itself.',
  examples: [
    '(umask 077; jobsctl token create ci --role worker --may-enqueue > ci.token)',
    'jobsctl token create books --role operator --domain chatbooks',
    '(umask 077; jobsctl token rotate 4f0c2a9be1d7 --overlap 24h > ci.token.new)',
  ],
  operands: `<${words.join('|')}> [name|id] [role]`,
  flags: [
    ...flagsIn('HOW', {
      '--role <role>': { about: `with create: ${givenRoles.join(', ')}`, values: givenRoles },
      '--may-enqueue': 'with create and set-role: a worker that may also enqueue',
      '--approver': 'the same: may approve plans of other principals',
      '--may-break-glass': 'the same: may go past an approval in an emergency',
      '--may-edit': 'the same: an operator that may edit payloads',
      '--of <principal>': 'with create --role agent: the person whose agent it is',
    }),
    ...flagsIn(scope, {
      '--domain <name>': { about: 'with create and set-scope: only jobs of this domain', many: 'list' },
      '--queue <domain/queue>': { about: 'and jobs of this queue; each flag may be repeated', many: 'list' },
      '--job-type <name>': { about: 'of these only jobs of this type', many: 'list' },
      '--cascade': 'its changes may end dependents outside',
      '--all': 'with set-scope: limit nothing',
    }),
    ...flagsIn('HOW', {
      '--max-per-change <n>': 'with create, set-limits: most jobs of a change, or none',
      '--max-per-day <n>': 'and of all tokens of its principal in 24 hours',
      '--tree': 'with revoke: and the tokens that it made or rotated',
      '--principal <name>': 'with create: whom it is for (default: as your own token)',
      '--expires <days>': 'with create: 7d, or never (default: 90d, of an admin 30d)',
      '--overlap <duration>': 'with rotate: at most 7d, or 0 (default: 24h)',
    }),
  ],
  rows: async ([word]) =>
    word === 'list' ? (await import('./token/columns.ts')).columns : word === 'show' ? 'fields' : undefined,
  async run(context, flags, [given, ...operands]) {
    const word = words.find((word) => word === given)
    if (word === undefined)
      throw new Failure('usage', `token: the first word must be one of ${words.join(', ')}`, {
        hint: 'jobsctl token --help',
      })
    const most = word === 'list' ? 0 : word === 'set-role' ? 2 : 1
    if (operands.length > most) throw new Failure('usage', `token ${word}: too many words; nothing was changed`, help)
    refuseFlags(word, flags)
    const [named, role] = operands
    if (word === 'create') return (await import('./token/create-and-rotate.ts')).createToken(context, named, flags)
    const { idOf, listTokens, showToken } = await import('./token/list-and-show.ts')
    if (word === 'list') return listTokens(context)
    const id = idOf(context, word, named)
    if (word === 'show') return showToken(context, id)
    if (word === 'set-scope') return (await import('./token/scope.ts')).setScope(context, id, flags)
    if (word === 'set-limits') return (await import('./token/limits.ts')).setLimits(context, id, flags)
    if (word === 'rotate') return (await import('./token/create-and-rotate.ts')).rotateToken(context, id, flags.overlap)
    const { changeToken, revoke, setRole } = await import('./token/change.ts')
    if (word === 'revoke') return revoke(context, id, { tree: flags.tree === true })
    if (word === 'set-role') {
      const added = {
        approver: flags.approver === true,
        may_break_glass: flags.mayBreakGlass === true,
        // Servers up to 0.2.0 do not know the field.
        ...(flags.mayEdit && { may_edit: true }),
      }
      return setRole(context, id, { role, may_enqueue: flags.mayEnqueue === true, ...added })
    }
    return changeToken(context, id, word)
  },
}

const help = { hint: 'jobsctl token --help' }

/**
 * Refuses a flag that the word does not take.
 * @throws Failure `usage`
 */
function refuseFlags(word: string, flags: TokenFlags): void {
  const { role, principal, expires, mayEnqueue, approver, mayBreakGlass, mayEdit, of, overlap } = flags
  const ofCreate =
    (role !== undefined && '--role') ||
    (principal !== undefined && '--principal') ||
    (expires !== undefined && '--expires') ||
    (of !== undefined && '--of') ||
    (mayEnqueue && word !== 'set-role' && '--may-enqueue') ||
    (approver && word !== 'set-role' && '--approver') ||
    (mayBreakGlass && word !== 'set-role' && '--may-break-glass') ||
    (mayEdit && word !== 'set-role' && '--may-edit')
  const flag = (word !== 'create' && ofCreate) || (overlap !== undefined && word !== 'rotate' && '--overlap')
  const wrong = flag || wrongLimitFlag(word, flags) || wrongScopeFlag(word, flags)
  if (flag === '--role' && word === 'set-role')
    throw new Failure('usage', '--role: set-role takes the role as a word; nothing was changed', {
      hint: 'jobsctl token set-role 4f0c2a9be1d7 operator',
    })
  if (wrong) throw new Failure('usage', `${wrong} does not go with token ${word}; nothing was changed`, help)
}

/** The flag of limits, or of a revocation, that the word does not take. */
function wrongLimitFlag(word: string, { maxPerChange, maxPerDay, tree }: TokenFlags): string | undefined {
  if (tree && word !== 'revoke') return '--tree'
  if (word === 'create' || word === 'set-limits') return undefined
  return maxPerChange !== undefined ? '--max-per-change' : maxPerDay !== undefined ? '--max-per-day' : undefined
}

/** The flag of a scope that the word does not take. */
function wrongScopeFlag(word: string, { domain, queue, jobType, cascade, all }: TokenFlags): string | undefined {
  if (all && word !== 'set-scope') return '--all'
  if (word === 'create' || word === 'set-scope') return undefined
  const named = { '--domain': domain, '--queue': queue, '--job-type': jobType, '--cascade': cascade }
  return Object.entries(named).find(([, value]) => value !== undefined)?.[0]
}
