const forbid = (name, from, to, comment) => ({ name, severity: 'error', comment, from: { path: from }, to: { path: to } })

/**
 * The layers of server/, from top to bottom, each folder with its reason. A file imports from its own folder and from the layers below it:
 * folders of one layer do not know each other.
 */
const serverLayers = [
  { 'main|start|context|once': 'The program starts what the other folders define, and none of them starts it.' },
  { commands: 'Commands of jobs-server do at the command line what no call does, and no call knows them.' },
  { http: 'HTTP only translates requests into calls of endpoints, so that an endpoint is tested and read without HTTP.' },
  { background: 'Maintenance calls what endpoints call, and nothing waits for maintenance.' },
  { endpoints: 'An endpoint reads from top to bottom; nothing below an endpoint may depend on one endpoint.' },
  {
    undo: 'Undo reads what bulk changes and the lifecycle of jobs leave behind, so it stands above both.',
    indexes: 'A build of indexes by hand waits for replicas and disks as a bulk change does, and no call waits for it.',
    demo: 'The sample jobs and their history are rows that SQL inserts, and nothing but a command does it.',
  },
  {
    bulk: 'The engine of bulk changes moves many jobs in SQL: it knows no endpoint, and none of the steps of one job.',
    lifecycle: 'A step of one job is a tool of endpoints, and never part of a bulk change.',
    history: 'The history counts what became of all jobs, whoever changed them.',
  },
  { call: 'A call is the context of one request: the settings of the server and its shared parts.' },
  {
    counts: 'Counts are kept for all calls, and know no call.',
    waiting: 'Waiting calls share one answer, and know no call.',
    auth: 'Authentication comes before a call is made.',
    metrics: 'The metrics of the process are loaded only where they are on, so that nothing may need them.',
    schema: 'What servers have in a database is told, and taken out, without a server.',
  },
  { engines: 'An engine that runs the jobs of others is SQL alone: it knows no call, and no HTTP.' },
  { meter: 'A meter is what calls and connections report to, whether or not metrics are on.' },
  { database: 'The database layer holds the connection, migrations and SQL fragments; it knows no meaning of a job.' },
  { env: 'The environment is read and checked before anything is opened.' },
  { log: 'The log stands at the bottom: everything may use it.' },
]
const placeOf = (names) => `^server/(${names})(/|\\.ts$)`

const serverRules = serverLayers.flatMap((layer, at) => {
  const above = serverLayers.slice(0, at).flatMap((upper) => Object.keys(upper))
  return Object.entries(layer).map(([name, why]) => {
    const beside = Object.keys(layer).filter((other) => other !== name)
    const others = [...above, ...beside].join('|')
    return others === '' ? [] : forbid(`server-${name}-not-up`, placeOf(name), placeOf(others), why)
  })
})

/** The folders of server/lifecycle/, from top to bottom. */
const lifecycleRules = [
  ['settle', 'lease', 'The end of an attempt does not ask how jobs are leased; expired leases end as attempts do.'],
  ['insert', 'lease|settle', 'A new job is neither leased nor ended by the statement that inserts it.'],
  ['dependents', 'lease|settle|insert', 'Dependents are told of ends and leases, and ask for neither.'],
  ['events', 'lease|settle|insert|dependents', 'The event log takes rows, whatever step has made them.'],
].map(([folder, above, why]) =>
  forbid(`lifecycle-${folder}-not-up`, `^server/lifecycle/${folder}/`, `^server/lifecycle/(${above})/`, why),
)

/** The folders of server/bulk/, from top to bottom; the files beside them are above all. */
const bulkFolders = [
  ['detached', 'What goes on without its caller is run as every other change, which does not know that nobody waits.'],
  ['batches', 'The batches of an operation do not know whether somebody waits for it.'],
  ['record', 'A record is begun, kept and closed, whatever runs the batches.'],
  ['limits', 'What a caller may change is known before there is a record.'],
  ['preview', 'A preview counts, and limits are measured by what it has counted.'],
  ['pressure', 'What the database can bear is read from the database, not from the change that waits.'],
  ['chain', 'Seals are laid over records that have been written.'],
  ['change', 'The words of the engine: a description, a commission and an operation, which every step takes.'],
  ['token', 'The token of a preview is signed and read, whatever it allows.'],
]
const bulkRules = bulkFolders.map(([folder, why], at) => {
  const above = bulkFolders.slice(0, at).map(([name]) => `${name}/`)
  return forbid(`bulk-${folder}-not-up`, `^server/bulk/${folder}/`, `^server/bulk/(${['[^/]+$', ...above].join('|')})`, why)
})

/** The layers of cli/, in the same order. Only the types of `context.ts` and `command.ts` are known to all. */
const cliLayers = [
  ['commands', 'A verb reads from top to bottom, and nothing below it may depend on one verb.'],
  ['changes', 'A description of a change is what a verb gives to the guard, and what a plan is made of.'],
  ['guard', 'The guard is the only way to a change of many jobs, and knows none of the changes.'],
  ['answer-of|curl|poll', 'A call for a context is one line of a verb or of the guard, and knows neither.'],
  ['http', 'Calls carry requests for everybody and know no verb.'],
  ['direct', 'A database without a server is reached by a server of the command alone, whatever is called then.'],
  ['output', 'Output prints rows and sentences and does not fetch them.'],
  ['command-line', 'The words of a command line are read before any command runs, by the descriptions of all commands.'],
  ['settings', 'Settings are read before anything is called or printed.'],
  ['terminal', 'The terminal is what a process has; only `process.ts` opens it.'],
  ['text|exact-json|io|system', 'Texts of numbers, times and names stand at the bottom: everything may use them.'],
]
const startOfCli = 'bin|run-any|run-often-used|quick-answer|process|main'

const cliRules = cliLayers.map(([names, why], at) =>
  forbid(
    `cli-${names.replaceAll('|', '-')}-not-up`,
    `^cli/(${names})(/|\\.ts$)`,
    `^cli/(${[startOfCli, ...cliLayers.slice(0, at).map(([above]) => above)].join('|')})(/|\\.ts$)`,
    why,
  ),
)

/** The layering, as rules; each rule says why it is there. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A cycle has no bottom: none of its files can be read or tested alone.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    forbid('shared-stands-alone', '^shared/', '^(cli|server|sdk|scripts|test)/', 'The contract knows neither program.'),
    {
      name: 'shared-on-zod-alone',
      severity: 'error',
      comment: 'Three clients load shared/: each package that it needs is paid for by all of them. Only commands of policies load the times of cron, and only what reads a file of somebody loads YAML.',
      from: { path: '^shared/', pathNot: '^shared/(policy/schedule|text/parse-yaml)\\.ts$' },
      to: { path: 'node_modules', pathNot: 'node_modules/zod' },
    },
    forbid('cli-not-server', '^cli/', '^server/', 'The two programs meet in shared/ alone.'),
    forbid('server-not-cli', '^server/', '^cli/', 'The two programs meet in shared/ alone.'),
    {
      name: 'ui-on-shared-alone',
      severity: 'error',
      comment: 'The dashboard is a client as the command line is: it knows the contract, and neither program. Its build checks the screens, too.',
      from: { path: '^ui/' },
      to: { path: '^(cli|server|scripts|test)/' },
    },
    forbid('sdk-on-shared-alone', '^sdk/', '^(cli|server|ui|scripts|test)/', 'The packages are a client as the command line is: they know the contract, and neither program.'),
    {
      name: 'sdk-without-packages',
      severity: 'error',
      comment: 'Programs of others load the packages: nothing comes along but the reader of event streams, and no declaration names a schema.',
      from: { path: '^sdk/' },
      to: { path: 'node_modules/(?!eventsource-parser/)|^shared/(?!(errors|exits|headers|never-sent|switch|text/exact-numbers|problem|retry-after|jobs/ended-states)\\.ts$)' },
    },
    forbid('sdk-call-not-up', '^sdk/(call|wire)/', '^sdk/(work/|client|worker)', 'Calls know neither the client that is made of them nor the worker.'),
    forbid('product-not-sdk', '^(server|shared|ui)/', '^sdk/', 'The packages are for programs of others.'),
    forbid('cli-reads-as-sdk', '^cli/', '^sdk/(?!call/(body|server-events|deadline|exact-json)\\.ts$)', 'The command line has deadlines, and reads lines, events and numbers, by the code of the packages; its calls are its own, since they know terminals and profiles.'),
    forbid('ui-api-not-up', '^ui/(api|state)/', '^ui/(parts|screens|app|main)', 'Calls and state know no screen.'),
    forbid('launch-stands-alone', '^scripts/launch/', '^(cli|server|shared|sdk|ui|test)/|^scripts/(?!launch/)', 'What starts programs drives the built ones, and knows neither their source nor who starts them.'),
    forbid('product-not-scripts', '^(cli|server|sdk)/', '^(scripts|test)/', 'What ships does not need what builds or tests it.'),
    ...serverRules.flat(),
    ...bulkRules,
    ...lifecycleRules,
    ...cliRules,
    {
      name: 'context-made-once',
      severity: 'error',
      comment: 'A context is made for a command line: for that of the process, for the one that completion completes, and for each profile of a fleet.',
      from: { path: '^cli/', pathNot: '^cli/(main\\.ts$|commands/completion/|fleet/run-one\\.ts$)' },
      to: { path: '^cli/full-context\\.ts$' },
    },
    {
      name: 'commands-stay-inside',
      severity: 'error',
      comment: 'A command gets a context: it touches neither the process, nor streams, nor the network.',
      from: { path: '^cli/commands/' },
      to: { path: '^(node:)?(process|http|https|net|readline|child_process)$|node_modules/undici' },
    },
    {
      name: 'commands-not-sideways',
      severity: 'error',
      comment: 'The page of a verb is read alone; two verbs share parts, which stand in the folder of one of them.',
      from: { path: '^cli/commands/(?!(all|often-used)\\.ts$)' },
      to: { path: '^cli/commands/[^/]+\\.ts$' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
