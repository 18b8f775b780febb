import { commandLine } from '../../shared/text/shell.ts'
import { isUuid } from '../../shared/work/job-key.ts'
import type { CommandDescription } from '../command.ts'
import { targetWords } from '../settings/flags/target-words.ts'
import type { GlobalFlags } from '../settings/settings.ts'
import { namesOf, readWords } from './words.ts'

/** What stands behind a verb. */
interface Typed {
  isId: boolean
  isQueue: boolean
}

type Verb = string | readonly string[]

const byId = (one: Verb, otherwise: Verb) => (typed: Typed) => (typed.isId ? one : otherwise)

/** Verbs of other tools, and the words of jobsctl that do the same. */
const verbs: ReadonlyMap<string, (typed: Typed) => Verb> = new Map(
  Object.entries({
    get: byId('show', 'list'),
    describe: ({ isQueue }) => (isQueue ? 'explain' : 'show'),
    view: byId('show', 'list'),
    inspect: byId('show', 'list'),
    ls: () => 'list',
    ps: () => ['list', '--status', 'processing'],
    status: byId('show', 'stats'),
    delete: byId('cancel', 'prune'),
    rm: byId('cancel', 'prune'),
    remove: byId('cancel', 'prune'),
    kill: () => 'cancel',
    abort: () => 'cancel',
    terminate: () => 'cancel',
    stop: ({ isQueue }) => (isQueue ? 'pause' : 'cancel'),
    suspend: () => 'pause',
    unpause: () => 'resume',
    purge: () => 'prune',
    clean: () => 'prune',
    promote: () => ['reschedule', '--now'],
    rerun: () => 'retry',
    restart: () => 'retry',
    replay: () => 'retry',
    log: byId('show', 'events'),
    logs: byId('show', 'events'),
    watch: byId('wait', 'top'),
    limit: () => 'throttle',
    concurrency: () => 'throttle',
    'rate-limit': () => 'throttle',
    add: () => 'enqueue',
    push: () => 'enqueue',
    create: () => 'enqueue',
    submit: () => 'enqueue',
    auth: () => 'login',
    browse: byId(['show', '--web'], 'ui'),
  } satisfies Record<string, (typed: Typed) => Verb>),
)

/** Kinds of things that stand behind the verb of other tools. */
const kinds: ReadonlyMap<string, string | undefined> = new Map([
  ['job', undefined],
  ['jobs', undefined],
  ['pod', undefined],
  ['pods', undefined],
  ['run', undefined],
  ['runs', undefined],
  ['worker', 'workers'],
  ['workers', 'workers'],
  ['queue', 'stats'],
  ['queues', 'stats'],
  ['event', 'events'],
  ['events', 'events'],
  ['operation', 'operations'],
  ['operations', 'operations'],
  ['plan', 'plans'],
  ['plans', 'plans'],
])

/** A flag of other tools: its names, and the words in its place; `undefined` where jobsctl has no such flag. */
interface HabitFlag {
  names: readonly string[]
  takesValue: boolean
  words: (value: string, command: CommandDescription, name: string) => readonly string[] | undefined
}

const has = ({ flags }: CommandDescription, name: string): boolean =>
  flags.some((flag) => namesOf(flag.flags).includes(name))

/** `createdAt` as `created_at`. The state of a job is its status here. */
const columnOf = (field: string, { name }: CommandDescription): string => {
  const column = field.replace(/^\./, '').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  if (column === 'state' && (name === 'list' || name === 'show')) return 'status'
  return column === 'database_id' ? 'id' : column
}
const columnsOf = (fields: readonly string[], command: CommandDescription): string =>
  fields.map((field) => columnOf(field, command)).join(',')

/** `{.items[*].status}` of kubectl as `{{.status}}`. */
const templateOf = (path: string): string =>
  path.replaceAll(/\{(range |end)[^}]*\}/g, '').replaceAll(/\{\.(?:items\[\*\]\.?)?([^}]*)\}/g, '{{.$1}}')

function formatOf(value: string, command: CommandDescription): readonly string[] | undefined {
  const [, format = value, rest = ''] = /^([\w-]+)=(.*)$/s.exec(value) ?? []
  if (format === 'wide') return ['--output', 'table']
  if (format === 'yaml') return ['--json']
  if (format === 'name') return has(command, '--ids') ? ['--ids'] : ['--columns', 'id']
  if (format === 'jsonpath') return ['--template', templateOf(rest)]
  if (format === 'go-template' || format === 'template') return ['--template', rest]
  if (format !== 'custom-columns') return undefined
  return [
    '--columns',
    columnsOf(
      rest.split(',').map((column) => column.replace(/^[^:]*:/, '')),
      command,
    ),
  ]
}

const scoped = (command: CommandDescription, flag: string, value: string) =>
  has(command, flag) ? [flag, value] : undefined

const flags: readonly HabitFlag[] = [
  { names: ['-o', '--output'], takesValue: true, words: formatOf },
  {
    names: ['--json'],
    takesValue: true,
    words: (value, command) =>
      /^[a-z_]+(,[a-z_]+)*$/i.test(value) && !command.operands?.includes(value)
        ? ['--columns', columnsOf(value.split(','), command), '--json']
        : undefined,
  },
  {
    names: ['-A', '--all-namespaces'],
    takesValue: false,
    words: (_value, command) => (has(command, '--all') ? ['--all'] : []),
  },
  { names: ['--namespace'], takesValue: true, words: (value, command) => scoped(command, '--domain', value) },
  {
    names: ['-n'],
    takesValue: true,
    words: (value, command) => (command.group === 'READ' ? scoped(command, '--domain', value) : undefined),
  },
  { names: ['-L'], takesValue: true, words: (value, command) => scoped(command, '--limit', value) },
  {
    names: ['-s', '--state'],
    takesValue: true,
    words: (value, command) => (has(command, '--state') ? undefined : scoped(command, '--status', value)),
  },
  {
    names: ['--sort-by'],
    takesValue: true,
    words: (value, command) => scoped(command, '--sort', columnOf(value.replace(/^\{|\}$/g, ''), command)),
  },
  { names: ['--no-headers'], takesValue: false, words: () => ['--tsv'] },
  { names: ['-t'], takesValue: true, words: (value) => ['--template', value] },
  {
    names: ['--force'],
    takesValue: false,
    words: (_value, command) => (command.changes && !has(command, '--force') ? ['--yes'] : undefined),
  },
  { names: ['-f'], takesValue: false, words: (_value, command) => (has(command, '--follow') ? ['--follow'] : []) },
  {
    names: ['-w', '--watch'],
    takesValue: false,
    words: (_value, command, name) => {
      const own = ['--watch', '--web', '--follow'].find((flag) => has(command, flag))
      return own === undefined || own === name ? undefined : [own]
    },
  },
  {
    names: ['--for'],
    takesValue: true,
    words: (value) => {
      const [, condition] = /^condition=(\w+)/i.exec(value) ?? []
      return condition === undefined ? undefined : ['--for', condition.toLowerCase().replace(/^complete$/, 'completed')]
    },
  },
]

/** Whether the next word is the value of a habit. */
const takesNext = (word: string): boolean =>
  flags.some(({ names, takesValue }) => takesValue && names.includes(word) && word !== '--json')

/** `8123` of `job/8123`, as kubectl writes it; any other operand as it is. */
const nameOf = (operand: string): string => {
  const [, kind = '', name = ''] = /^(\w+)\/(.+)$/.exec(operand) ?? []
  return kinds.has(kind) ? name : operand
}

/** The queue of `media/ingest` as flags. */
const scopeOf = (operand: string): string[] => {
  const at = operand.indexOf('/')
  return ['--domain', operand.slice(0, at), '--queue', operand.slice(at + 1)]
}

interface Line {
  words: readonly string[]
  isChanged: boolean
}

/** The line with a verb of jobsctl first; undefined where no verb is known. */
function withVerb(commands: readonly CommandDescription[], argv: readonly string[]): Line | undefined {
  const { command, plain } = readWords(commands, argv)
  const at = plain.filter((index) => !takesNext(argv[index - 1] ?? ''))
  const [verbAt = -1, firstAt = -1, secondAt = -1] = at
  if (command) {
    const own = argv.indexOf(command.name)
    return { words: [command.name, ...argv.slice(0, own), ...argv.slice(own + 1)], isChanged: false }
  }
  const verb = argv[verbAt]
  const kind = kinds.has(argv[firstAt] ?? '') ? argv[firstAt] : undefined
  const given = argv[kind === undefined ? firstAt : secondAt] ?? ''
  const operand = nameOf(given)
  const isId = /^(.*\/)?\d+$/.test(operand) || isUuid(operand.replace(/^.*\//, ''))
  const found = verb === undefined ? undefined : verbs.get(verb)?.({ isId, isQueue: !isId && operand.includes('/') })
  if (found === undefined) return undefined
  const ofKind = operand === '' && kind !== undefined ? kinds.get(kind) : undefined
  const words = [ofKind ?? found].flat()
  const [name] = words
  const meant = commands.find((one) => one.name === name)
  const asScope = meant && !meant.operands && operand.includes('/') ? scopeOf(operand) : [operand]
  const rest = argv.flatMap((word, index) => {
    if (index === verbAt || (kind !== undefined && index === firstAt)) return []
    return word === given ? asScope : [word]
  })
  return { words: [...words, ...(isId && meant?.changes ? withoutScope(rest) : rest)], isChanged: true }
}

/** A change of jobs that are named by their ids takes no scope beside them. */
const withoutScope = (words: readonly string[]): string[] =>
  words.filter(
    (word, at) =>
      !/^--(domain|queue|job-type)(=|$)/.test(word) && !/^--(domain|queue|job-type)$/.test(words[at - 1] ?? ''),
  )

/** The line with the flags of jobsctl. */
function withFlags(command: CommandDescription, given: readonly string[]): Line {
  const words: string[] = []
  let isChanged = false
  for (let at = 0; at < given.length; at++) {
    const word = given[at] ?? ''
    const [, name = word, inline] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? /^(-o)(.+)$/s.exec(word) ?? []
    const flag = flags.find(({ names }) => names.includes(name))
    const value = flag?.takesValue ? (inline ?? given[at + 1]) : ''
    const instead = flag && value !== undefined ? flag.words(value, command, name) : undefined
    if (instead === undefined) {
      words.push(word)
      continue
    }
    words.push(...instead)
    isChanged = true
    if (flag?.takesValue && inline === undefined) at += 1
  }
  return { words, isChanged }
}

const targetNames: ReadonlyMap<string, keyof GlobalFlags> = new Map([
  ['-p', 'profile'],
  ['--profile', 'profile'],
  ['--url', 'url'],
  ['--db', 'db'],
  ['--api-key-file', 'apiKeyFile'],
  ['--token-file', 'tokenFile'],
])

/** The same words with those of the target last, as each hint has them. */
function withTargetLast(words: readonly string[]): string[] {
  const target: GlobalFlags = {}
  const others: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, name = word, inline] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? []
    const field = targetNames.get(name)
    if (word === '--allow-http') target.allowHttp = true
    else if (field === undefined) others.push(word)
    else {
      Object.assign(target, { [field]: inline ?? words[at + 1] })
      if (inline === undefined) at += 1
    }
  }
  return [...others, ...targetWords(target)]
}

/**
 * The command line that somebody meant who typed one of another tool, such as `get 8123 -o yaml` or `list --json id,state`. Every other
 * word, and so the scope, stays as it was typed.
 * @returns undefined for a line with nothing of another tool
 */
export function habitOf(commands: readonly CommandDescription[], argv: readonly string[]): string | undefined {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const line = withVerb(commands, argv.slice(0, end))
  const command = commands.find(({ name }) => name === line?.words[0])
  if (!line || !command) return undefined
  const { words, isChanged } = withFlags(command, line.words)
  if (!isChanged && !line.isChanged) return undefined
  const why =
    command.name === 'cancel' && !argv.includes('cancel')
      ? ' (it ends a job; jobsctl prune deletes jobs that have ended)'
      : ''
  return `${commandLine(['jobsctl', ...withTargetLast(words), ...argv.slice(end)])}${why}`
}
