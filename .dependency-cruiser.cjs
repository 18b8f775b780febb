const forbid = (name, from, to, comment) => ({ name, severity: 'error', comment, from: { path: from }, to: { path: to } })

/** The layering, as rules: shared <- server, shared <- cli, never server <-> cli. */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    forbid('shared-stands-alone', '^shared/', '^(cli|server|scripts|test)/', 'the contract knows neither side'),
    {
      name: 'shared-on-zod-alone',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: 'node_modules', pathNot: 'node_modules/zod' },
    },
    forbid('cli-not-server', '^cli/', '^server/', 'they meet in shared/ alone'),
    forbid('server-not-cli', '^server/', '^cli/', 'they meet in shared/ alone'),
    forbid('product-not-scripts', '^(cli|server)/', '^(scripts|test)/', 'what ships does not need what builds it'),
    forbid('operations-not-up', '^server/operations/', '^server/(app|serve|routes|input)', 'routes -> operations, never up'),
    forbid('database-at-the-bottom', '^server/database/', '^server/(app|serve|routes|operations|auth)', 'never up'),
    {
      name: 'commands-stay-inside',
      severity: 'error',
      comment: 'a command gets a context: it touches neither process, nor streams, nor the network',
      from: { path: '^cli/commands/' },
      to: { path: '^(node:)?(process|http|https|net|readline|child_process)$|node_modules/undici' },
    },
    {
      name: 'commands-not-sideways',
      severity: 'error',
      from: { path: '^cli/commands/(?!all)' },
      to: { path: '^cli/commands/' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
