const edges = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
const lines = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle']

/** The option `chars` of cli-table3 for a table without borders. */
export const borderless = Object.fromEntries([...edges, ...lines].map((name) => [name, '']))
